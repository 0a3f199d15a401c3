"""What must hold: the promise of swap, the invariants of each part, and the goals of coverage."""
