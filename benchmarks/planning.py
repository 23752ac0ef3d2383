"""What planning costs: a start, and shot lists of 100,000 takes, as ratios to what no program could do without.

    python -m benchmarks.planning [TAKES] [--shapes NAME ...] [--runs N]

`startup` and `scale` say what the measures are, and can be run alone.
"""

from __future__ import annotations

from benchmarks import scale, startup

if __name__ == "__main__":
    startup.main()
    scale.main()
