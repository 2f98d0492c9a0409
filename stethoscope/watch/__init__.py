"""Watch a machine: judge every new recording once, keep a history, raise and clear alarms."""
