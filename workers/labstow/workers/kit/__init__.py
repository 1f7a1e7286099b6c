"""What every worker is made of.

A command's way through it: `broker` takes it in, `batch` gathers it with others, `unit` loads what it names, `decide`
runs the noun's rule, `unit` saves the outcome with its journal entries, the caller is answered, `relay` publishes.
"""
