"""What the tests share: running r1tool, rows, a fake model server, a fake Hub, and real engines on the CPU."""
