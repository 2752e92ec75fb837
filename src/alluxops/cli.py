"""The command `alluxops`. Options in, exit code out: 0 done, 1 the run failed, 2 refused before anything changed."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from alluxops import __version__
from alluxops.errors import RunFailedError, WrapperError
from alluxops.options import ExtraVars, Inventory, RunOptions, with_run_options
from alluxops.verbs import run_verb, this_project, write

if TYPE_CHECKING:
    from alluxops.cluster import Cluster

HELP = """Install and operate an Alluxio cache on Kubernetes.

Each verb runs the playbook of its name; options mean what they mean in Ansible.
Exit code: 0 done, 1 failed, 2 refused before anything was changed."""

app = typer.Typer(
    name="alluxops",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON and nothing else.")]
JsonResult = Annotated[
    bool, typer.Option("--json", help="Print what the run came to as JSON and nothing else.")
]


def _version_option(wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if wanted:
        write(sys.stdout, f"alluxops {__version__}")
        raise typer.Exit


@app.callback()
def _all(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_version_option
        ),
    ] = False,
) -> None:
    del version


@app.command()
@with_run_options
def site(options: RunOptions, *, json: JsonResult = False) -> None:
    """Deploy the cache, or bring it to what the inventory says."""
    raise typer.Exit(run_verb(options.request("site"), as_json=json))


@app.command()
@with_run_options
def deploy(options: RunOptions, *, json: JsonResult = False) -> None:
    """The same as site."""
    raise typer.Exit(run_verb(options.request("site"), as_json=json))


@app.command()
@with_run_options
def preflight(options: RunOptions) -> None:
    """Check settings, nodes and cluster; change nothing."""
    raise typer.Exit(run_verb(options.request("preflight")))


@app.command()
@with_run_options
def verify(options: RunOptions, *, json: Json = False) -> None:
    """Prove that the cache serves.

    Writes through one worker and reads through another, runs Alluxio's own tests, compares with the under store.
    """
    raise typer.Exit(run_verb(options.request("verify"), as_json=json))


@app.command()
@with_run_options
def status(options: RunOptions, *, json: Json = False) -> None:
    """Show what runs where and whether it is healthy.

    Changes nothing. Exit code 1 when the cache is not healthy.
    """
    raise typer.Exit(run_verb(options.request("status"), as_json=json))


@app.command(name="scale-masters")
@with_run_options
def scale_masters(options: RunOptions) -> None:
    """Change the number of masters, one at a time.

    For example: alluxops scale-masters -e alluxio_masters=3 -e alluxio_ha=embedded

    Ends with the lines to write into the inventory.
    """
    raise typer.Exit(run_verb(options.request("scale-masters")))


@app.command(name="remove-workers")
@with_run_options
def remove_workers(options: RunOptions) -> None:
    """Take workers out of the cache.

    For example: alluxops remove-workers --limit n3 -e alluxio_confirm_remove=n3

    Copies what is pinned or only cached to others first, then cleans the node. --check shows the steps.
    """
    raise typer.Exit(run_verb(options.request("remove-workers")))


@app.command(name="bootstrap-workers")
@with_run_options
def bootstrap_workers(options: RunOptions) -> None:
    """Make workers of new hosts, or mend one that is.

    For example: alluxops bootstrap-workers --limit n4

    Without --limit it is all hosts of new_workers. No task runs on any other host.
    """
    raise typer.Exit(run_verb(options.request("bootstrap-workers")))


@app.command()
@with_run_options
def datasets(options: RunOptions) -> None:
    """Bring mounts, loads, pins and TTLs to what alluxio_datasets declares.

    --check --diff shows what differs. Nothing in an under store is ever deleted.
    """
    raise typer.Exit(run_verb(options.request("datasets")))


@app.command()
@with_run_options
def check(options: RunOptions) -> None:
    """Compare what the cache serves with what the under stores hold; change nothing.

    Names, sizes and hashes, and the content of a sample; -e check_content=all reads all that is cached.

    Exit code 1 when anything differs, or the check failed.
    """
    raise typer.Exit(run_verb(options.request("check")))


@app.command()
@with_run_options
def network(options: RunOptions) -> None:
    """Measure what the links between nodes, the object store and the tiers carry, and name the narrowest.

    For example: alluxops network -e '{"network_compute_nodes": ["gpu1", "gpu2"]}'

    Loads each link for some seconds; leaves nothing behind. --check says what would be measured.
    """
    raise typer.Exit(run_verb(options.request("network")))


@app.command()
@with_run_options
def repair(options: RunOptions) -> None:
    """Make the cache follow its under stores again.

    For example: alluxops repair -e '{"repair_paths": ["/imagenet"]}'

    --check --diff lists first. Nothing is written to a store, and what was written to the cache only is never dropped.

    What a store had and has no more is forgotten, what is shorter there learnt anew; much at once only where
    -e repair_forgets=/DIRECTORY names it.
    """
    raise typer.Exit(run_verb(options.request("repair")))


@app.command()
@with_run_options
def benchmark(options: RunOptions) -> None:
    """Measure how fast files are read past the cache and through it, by which path.

    Makes its files once, in the root under store; -e benchmark_state=absent removes them.

    Exit code 1 when an arm took another path than its name says, or is slower than in -e benchmark_baseline=FILE.
    """
    raise typer.Exit(run_verb(options.request("benchmark")))


@app.command()
@with_run_options
def backup(options: RunOptions, *, json: JsonResult = False) -> None:
    """Make a backup of the metadata.

    To the root under store, or with -e backup_to=/DIRECTORY to this machine. The oldest are removed.
    """
    raise typer.Exit(run_verb(options.request("backup"), as_json=json))


@app.command()
@with_run_options
def restore(options: RunOptions) -> None:
    """Restore a backup into a new cache.

    For example: alluxops restore -e restore_from=latest -e alluxio_confirm_restore=alluxio
    """
    raise typer.Exit(run_verb(options.request("restore")))


@app.command()
@with_run_options
def upgrade(options: RunOptions) -> None:
    """Take the cache to another version, chart or other settings.

    Makes a backup first and restarts the masters one by one, the leader last. --check shows the plan.
    """
    raise typer.Exit(run_verb(options.request("upgrade")))


@app.command()
@with_run_options
def rollback(options: RunOptions) -> None:
    """Take the cache back to the revision before.

    -e rollback_revision=N goes to another one of `helm history`. To an older Alluxio only with a backup that it can
    read: -e restore_from=latest -e alluxio_confirm_restore=RELEASE. --check shows the plan.
    """
    raise typer.Exit(run_verb(options.request("rollback")))


@app.command()
@with_run_options
def uninstall(options: RunOptions) -> None:
    """Remove the cache and keep its data.

    -e alluxio_confirm_purge=RELEASE deletes the journal and the tiers on the nodes too; the under store is never
    touched.
    """
    raise typer.Exit(run_verb(options.request("uninstall")))


@app.command()
def dashboard(
    inventory: Inventory = None,
    extra_vars: ExtraVars = None,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Local port; 0 takes any free one.")
    ] = 19999,
) -> None:
    """Open the leader's web pages on this machine.

    Listens on 127.0.0.1 only, follows the leader when it changes, ends with Ctrl-C.
    """
    from alluxops.dashboard import serve  # noqa: PLC0415  # a second to import

    cluster = _cluster(inventory, extra_vars)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    serve(cluster, port, lambda line: write(sys.stdout, line), stop)


@app.command(context_settings={"ignore_unknown_options": False})
def shell(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND ...]", help="An alluxio command, such as: -- fs ls /"),
    ] = None,
    inventory: Inventory = None,
    extra_vars: ExtraVars = None,
) -> None:
    """Open a shell in the leader, or run one alluxio command.

    Its exit code becomes this one's: alluxops shell -- fs ls /
    """
    from alluxops.shell import choose_master, run_command, run_shell  # noqa: PLC0415

    cluster = _cluster(inventory, extra_vars)
    master, leads = choose_master(cluster)
    if not leads:
        write(sys.stderr, f"No master leads; this is {master.pod}, which runs.")
    if command:
        raise typer.Exit(run_command(cluster, master, command))
    raise typer.Exit(run_shell(cluster, master))


def _cluster(inventory: list[str] | None, extra_vars: list[str] | None) -> Cluster:
    from alluxops.cluster import Cluster  # noqa: PLC0415
    from alluxops.collection import make_importable  # noqa: PLC0415
    from alluxops.connection import resolve  # noqa: PLC0415
    from alluxops.run import here  # noqa: PLC0415

    project = this_project()
    make_importable(project)
    connection = resolve(tuple(inventory or ()), tuple(extra_vars or ()), project, here())
    return Cluster(connection)


def main() -> None:
    """The entry point of the console script."""
    try:
        app()
    except WrapperError as error:
        write(sys.stderr, str(error))
        refused = isinstance(error, RunFailedError) and error.refused
        sys.exit(2 if refused else error.exit_code)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
