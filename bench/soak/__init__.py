"""``python -m bench soak``: ``kill -9`` at random moments of every stage, through the command.

A small catalogue runs from its files to the report against a loopback server that fails in a fifth
of its answers. The command is killed in the stage that is next in turn, after a random part of what
that stage took undisturbed, and started again; a daemon with its runs is killed in between. Half of
the kills leave the children of the killed process alive, as ``kill -9 PID`` does. Printed are
hangs, calls bought twice beyond those in flight, and where the store differs from that of an
undisturbed run.

With ``--folder`` each finished round is written down, and the same command goes on after the last
one. ``--warm`` forks the commands from a process that has loaded the modules: a start costs a
quarter, so a night has four times the kills.
"""

import argparse
import tempfile
from pathlib import Path

from bench.soak.rounds import Soak


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="of the command")
    parser.add_argument("--daemon-kills", type=int, default=5, help="of the daemon and its runs")
    parser.add_argument("--faults", type=float, default=0.2, help="share of bad answers")
    parser.add_argument("--patience", type=float, default=900, help="seconds until a hang is one")
    parser.add_argument("--minutes", type=float, default=600, help="begin no further kill after")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="keeps the rounds; unset: a temporary one")
    parser.add_argument("--warm", action="store_true", help="fork commands, modules loaded")
    parser.add_argument("--report", action="store_true", help="only print what --folder has")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="recfeat-soak-") as temporary:
        folder = (options.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(folder, options)
        if not options.report:
            soak.run()
        soak.report()
