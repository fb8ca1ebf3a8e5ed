"""Measurements beside a peer or a bare limit in the same run; `make bench`.

Machines are noisy: figures are CPU time, ours and the peer's take turns, and only ratios are held
against goals. Each module of this package measures one part and offers `measure() -> list[Figure]`.
"""
