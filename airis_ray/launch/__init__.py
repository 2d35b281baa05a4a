"""Starting and stopping the whole program on one machine: checks first, then `serve run`."""
