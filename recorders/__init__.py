"""Record what the lessons read: thousands of trainings of small networks (see data/README.md)."""
