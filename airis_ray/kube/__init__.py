"""The system on a Kubernetes cluster: what `airis kube` does. No Ray, no HTTP of ours: the cluster's API alone."""
