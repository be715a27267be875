"""How fast Helios is: `python -m benchmarks` measures the figures of SPEC.md section 12 on this machine."""
