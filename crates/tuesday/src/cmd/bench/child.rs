//! Child processes of the same binary: stub world, floor program, server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use clap::ValueEnum;
use tuesday_bench::{FloorOptions, floor_postgres, floor_sqlite};
use tuesday_domain::problem::Problem;

use super::{BenchArgs, problem};
use crate::cli::Common;
use crate::cmd::serve::bind;
use crate::out::{self, unavailable};

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Serves the stub world and prints its address
    Stub,
    /// Runs the floor program and prints its report
    Floor,
}

/// A running child; it ends with its handle.
pub(super) struct Child {
    process: std::process::Child,
    /// Where it listens; empty for a server.
    pub(super) url: String,
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn own() -> Result<Command, Problem> {
    std::env::current_exe()
        .map(Command::new)
        .map_err(|e| unavailable(format!("the own program: {e}")))
}

impl Child {
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(super) fn stub() -> Result<Self, Problem> {
        let mut process = own()?
            .args(["bench", "--child", "stub"])
            .env_remove("TUESDAY_DIR")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| unavailable(format!("the stub world: {e}")))?;
        let mut url = String::new();
        if let Some(said) = process.stdout.take() {
            BufReader::new(said)
                .read_line(&mut url)
                .map_err(|e| unavailable(e.to_string()))?;
        }
        Ok(Self {
            process,
            url: url.trim().to_owned(),
        })
    }

    pub(super) fn server(common: &Common, dir: &Path, listen: &str) -> Result<Self, Problem> {
        let mut command = own()?;
        command
            .args(["serve", "--test-instance", "--listen", listen, "--dir"])
            .arg(dir);
        if let Some(url) = &common.database {
            command.args(["--database", url]);
        }
        let process = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self {
            process: process.map_err(|e| unavailable(format!("the server: {e}")))?,
            url: String::new(),
        })
    }

    /// Runs the floor program to its end; answers what it printed.
    pub(super) fn floor(
        common: &Common,
        args: &BenchArgs,
        dir: &Path,
        stub: &str,
    ) -> Result<String, Problem> {
        let mut command = own()?;
        command.args(["bench", "--child", "floor", "--stub", stub]);
        command.args([
            "--runs",
            &args.runs.to_string(),
            "--alone",
            &args.alone.to_string(),
        ]);
        command
            .args(["--concurrency", &args.concurrency.to_string(), "--dir"])
            .arg(dir);
        if let Some(url) = &common.database {
            command.args(["--store", "postgres", "--database", url]);
        }
        let done = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output();
        let done = done.map_err(|e| unavailable(format!("the floor program: {e}")))?;
        if done.status.success() {
            return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
        }
        Err(unavailable(format!(
            "the floor program ended with {}",
            done.status
        )))
    }
}

/// The child's part.
pub(super) async fn run(role: Role, common: &Common, args: &BenchArgs) -> Result<(), Problem> {
    match role {
        Role::Stub => {
            let listener = bind("127.0.0.1:0").await?;
            let at = listener
                .local_addr()
                .map_err(|e| unavailable(e.to_string()))?;
            out::line(&format!("http://{at}"));
            let world = tuesday_stub::World::lean();
            tuesday_stub::serve(listener, world, std::future::pending())
                .await
                .map_err(|e| unavailable(e.to_string()))
        }
        Role::Floor => {
            let (Some(stub), Some(dir)) = (&args.stub, &common.dir) else {
                return Err(Problem::new(
                    "bad_request",
                    "the floor program needs --stub and --dir",
                ));
            };
            let model = format!("{stub}/v1/chat/completions");
            let mut options =
                FloorOptions::new(&model, &format!("{stub}/desk/results"), dir.clone());
            options.runs = args.runs;
            options.runs_alone = args.alone;
            options.concurrency = args.concurrency;
            let report = match &common.database {
                Some(url) => {
                    floor_postgres(
                        url,
                        FloorOptions {
                            workers: 32,
                            ..options
                        },
                    )
                    .await
                }
                None => floor_sqlite(options).await,
            };
            let report = report.map_err(|e| problem(&e))?;
            out::json_line(&serde_json::to_value(report).map_err(|e| unavailable(e.to_string()))?);
            Ok(())
        }
    }
}
