"""`grader doctor`: what this machine has and lacks."""

from __future__ import annotations

import typer

from grader.cli.app import app

STYLES = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "missing": ("✕", "red")}


@app.command()
def doctor() -> None:
    """Show what this machine has and lacks for grading."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from grader.doctor import examine_machine

    lines = examine_machine()
    table = Table.grid(padding=(0, 2))
    for line in lines:
        icon, style = STYLES[line.state]
        text = Text(line.text)
        if line.remedy:
            text.append(f"\n{line.remedy}", style="dim")
        table.add_row(Text(icon, style=style), Text(line.subject, style="bold"), text)
    Console().print(table)
    raise typer.Exit(2 if any(line.state == "missing" for line in lines) else 0)
