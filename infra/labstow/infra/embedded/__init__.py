"""NATS, Postgres and Valkey as programs from wheels, run without a container."""
