"""Ray does what processes of this machine do, and survives its workers. Skipped where Ray is not installed."""



