"""The node work of bootstrap-workers on many ssh hosts: against pyinfra, and against a plain playbook."""
