"""The template noun: blueprints that resources are made from."""
