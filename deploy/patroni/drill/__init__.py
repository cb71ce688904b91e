"""What `failover` is made of: processes, the cluster, the service, the load, the proof."""
