"""Resources and templates as MADSci's clients write and read them. Pure functions; workers validate.

What a MADSci model cannot hold travels under the key `labstow`: their clients keep keys that they do not know,
and send them back.
"""
