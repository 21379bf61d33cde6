"""`tocsin doctor`: check the set-up, and say how to mend it."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from forecast.clock import utc_now
from jobs.cli.options import common, print_json, say
from jobs.findings import Finding, Level, own_packages


@click.command("doctor")
@click.option("--send", is_flag=True, help="Send a trial message on each channel, too.")
@click.option("--warm", is_flag=True, help="Compile the models now, if that is not done yet.")
@common
def command(send: bool, warm: bool, folder: Path, as_json: bool) -> None:
    """Check everything from the interpreter to the channels; one line each.

    Exit code 1 where something fails; what is only a warning may be meant.
    """
    findings = []
    for finding in _examine(folder, send, warm):
        findings.append(finding)
        if not as_json:
            mend = f" -> {finding.mend}" if finding.mend else ""
            say(f"{finding.level.value:<4}  {finding.name}: {finding.detail}{mend}")
    fails = sum(finding.level is Level.FAIL for finding in findings)
    if as_json:
        checks = [asdict(finding) for finding in findings]
        print_json({"schema_version": 1, "ok": not fails, "checks": checks})
    if fails:
        click.get_current_context().exit(1)


def _examine(folder: Path, send: bool, warm: bool) -> Iterator[Finding]:
    packages = own_packages()
    yield packages
    if packages.level is Level.OK:  # else the rest of us cannot even be imported
        from jobs.doctor import examine

        yield from examine(folder, utc_now(), send=send, warm=warm)
