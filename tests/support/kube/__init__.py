"""Checks of Kubernetes manifests without a cluster."""
