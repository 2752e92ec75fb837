"""The lab: a real Kubernetes cluster on one machine, without Docker. The product never imports it."""
