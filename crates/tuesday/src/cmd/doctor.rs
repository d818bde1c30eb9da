//! `tuesday doctor`: one line for each thing that must be in order, with the way out where it is not.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_engine::Clock;
use tuesday_store::InstanceKind;

use super::serve::Lock;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::skew::{NOTED, REFUSED, Skew};
use crate::views;
use crate::wiring::{self, Node, Opening};

/// Less free space than this is a problem, in bytes.
const LEAST_SPACE: u64 = 1 << 30;
/// The log may be this far ahead of the machine's clock before the clock is called wrong.
const SKEW_SECONDS: u64 = 2;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

/// How a check came out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Ok,
    Warn,
    Fail,
}

struct Line {
    check: &'static str,
    mark: Mark,
    text: String,
    way_out: Option<String>,
}

#[derive(Default)]
struct Report(Vec<Line>);

impl Report {
    fn ok(&mut self, check: &'static str, text: impl Into<String>) {
        self.0.push(Line {
            check,
            mark: Mark::Ok,
            text: text.into(),
            way_out: None,
        });
    }
    fn bad(
        &mut self,
        check: &'static str,
        mark: Mark,
        text: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        self.0.push(Line {
            check,
            mark,
            text: text.into(),
            way_out: Some(way_out.into()),
        });
    }
}

/// Checks; exit 1 on a problem.
pub(crate) async fn run(common: Common, _: DoctorArgs) -> Result<ExitCode, Problem> {
    let home = Home::find(&common)?;
    let mut report = Report::default();
    space(&home.dir, &mut report);
    match wiring::open(home, Opening::default()).await {
        Ok(node) => {
            database(&node, &mut report).await;
            clock(&node, &mut report).await;
            skew(&node, &mut report).await;
            secrets(&node, &mut report).await;
            folders(&node, &mut report).await;
            mailbox(&node, &mut report).await;
            audit(&node, &mut report).await;
            worker(&node, &mut report).await;
        }
        Err(p) => report.bad(
            "database",
            Mark::Fail,
            p.detail,
            p.way_out
                .unwrap_or_else(|| "start the database, or correct --dir or --database".to_owned()),
        ),
    }
    Ok(print(&common, &report))
}

fn space(dir: &Path, report: &mut Report) {
    // A folder that is not there yet is asked about through its nearest parent that is.
    let there = dir
        .ancestors()
        .find(|p| p.exists())
        .unwrap_or_else(|| Path::new("."));
    match rustix::fs::statvfs(there) {
        Ok(v) => {
            let free = v.f_bavail.saturating_mul(v.f_frsize);
            let text = format!(
                "{:.1} GiB free for {}",
                free as f64 / f64::from(1 << 30),
                dir.display()
            );
            if free < LEAST_SPACE {
                report.bad(
                    "disk",
                    Mark::Fail,
                    text,
                    "free space, or move the folder with --dir",
                );
            } else {
                report.ok("disk", text);
            }
        }
        Err(e) => report.bad(
            "disk",
            Mark::Warn,
            format!("{}: {e}", dir.display()),
            "look by hand",
        ),
    }
}

async fn database(node: &Node, report: &mut Report) {
    match node.engine.reader().health().await {
        Ok(h) => {
            let size = h.bytes as f64 / f64::from(1 << 20);
            report.ok(
                "database",
                format!(
                    "{} {}, {size:.1} MiB, {}, {} instance",
                    h.backend,
                    h.version,
                    h.durability,
                    node.instance.kind.word()
                ),
            );
            // Opening refuses every other schema, so an open database is current.
            report.ok("schema", format!("{}, current", h.schema));
        }
        Err(e) => report.bad("database", Mark::Fail, e.to_string(), "start the database"),
    }
}

async fn clock(node: &Node, report: &mut Report) {
    if node.instance.kind == InstanceKind::Test && node.instance.clock_offset != 0 {
        return report.ok(
            "clock",
            format!(
                "test clock, {} s ahead of the machine",
                node.instance.clock_offset / 1_000_000
            ),
        );
    }
    let now = Clock::System.now();
    let newest = node
        .engine
        .reader()
        .audit_page(&tuesday_store::AuditFilter::default(), None, 1)
        .await;
    match newest.map(|p| p.first().map(|r| r.at)) {
        Ok(Some(at)) if at.since(now).as_secs() > SKEW_SECONDS => {
            report.bad(
                "clock",
                Mark::Fail,
                format!("the newest entry is from {at}, the machine says {now}"),
                "set the machine's clock",
            );
        }
        Ok(_) => report.ok("clock", format!("{now}, not behind the log")),
        Err(e) => report.bad("clock", Mark::Fail, e.to_string(), "start the database"),
    }
}

async fn skew(node: &Node, report: &mut Report) {
    if node.home.database.is_none() {
        return;
    }
    match Skew::ask(node.engine.reader()).await {
        Ok(skew) if skew.exceeds(NOTED) => report.bad(
            "clock skew",
            if skew.exceeds(REFUSED) {
                Mark::Fail
            } else {
                Mark::Warn
            },
            skew.to_string(),
            "set the clock of this machine or of the database's",
        ),
        Ok(skew) => report.ok("clock skew", skew.to_string()),
        Err(e) => report.bad(
            "clock skew",
            Mark::Fail,
            e.to_string(),
            "start the database",
        ),
    }
}

async fn secrets(node: &Node, report: &mut Report) {
    match super::secret::installed(node, None).await {
        Ok(all) => {
            let missing: Vec<&super::secret::Checked> =
                all.iter().filter(|c| c.fault.is_some()).collect();
            if missing.is_empty() {
                report.ok("secrets", format!("{} of {} found", all.len(), all.len()));
            }
            for c in missing {
                let why = c.fault.clone().unwrap_or_default();
                report.bad(
                    "secrets",
                    Mark::Fail,
                    format!("{}, {}: {why}", c.workflow, c.used_by),
                    format!("put it in place: {}", c.reference),
                );
            }
        }
        Err(p) => report.bad(
            "secrets",
            Mark::Fail,
            p.detail,
            "see `tuesday workflow list`",
        ),
    }
}

async fn folders(node: &Node, report: &mut Report) {
    match crate::folders::missing(node).await {
        Ok(missing) if missing.is_empty() => {
            report.ok("folders", "every folder that files are written to is there");
        }
        Ok(missing) => {
            for m in missing {
                report.bad(
                    "folders",
                    Mark::Fail,
                    format!(
                        "{}, action {}: {} is not there",
                        m.workflow,
                        m.action,
                        m.folder.display()
                    ),
                    "make the folder, or correct `path` in the package and install it",
                );
            }
        }
        Err(p) => report.bad(
            "folders",
            Mark::Fail,
            p.detail,
            "see `tuesday workflow list`",
        ),
    }
}

async fn mailbox(node: &Node, report: &mut Report) {
    let (_, secrets) = match wiring::outside(&node.home) {
        Ok(found) => found,
        Err(p) => return report.bad("mailbox", Mark::Fail, p.detail, "see the log"),
    };
    let found = match wiring::mailbox(&node.home, &secrets) {
        Ok(Some(mailbox)) => mailbox.probe().await,
        // Without one, reports come by console and API.
        Ok(None) => return,
        Err(p) => Err(p.detail),
    };
    match found {
        Ok(0) => report.ok("mailbox", "reports by mail: it answers, nothing waits"),
        Ok(n) => report.ok(
            "mailbox",
            format!("reports by mail: it answers, {n} mails wait"),
        ),
        Err(why) => report.bad(
            "mailbox",
            Mark::Fail,
            format!("reports by mail: {why}"),
            "correct [reports.mail] in tuesday.toml, or wait for the mail server",
        ),
    }
}

async fn audit(node: &Node, report: &mut Report) {
    let reader = node.engine.reader();
    let (size, head) = match tokio::try_join!(reader.audit_size(), reader.latest_checkpoint()) {
        Ok(found) => found,
        Err(e) => return report.bad("audit", Mark::Fail, e.to_string(), "start the database"),
    };
    let key = node.home.dir.join("audit.key").exists();
    match head {
        Some(h) => report.ok(
            "audit",
            format!("{size} entries, {} sealed at {}", h.size, h.at),
        ),
        None if size == 0 => report.ok("audit", "nothing recorded yet"),
        None => report.bad(
            "audit",
            Mark::Warn,
            format!("{size} entries, none sealed"),
            "start a node that has audit.key",
        ),
    }
    if !key {
        report.bad(
            "audit key",
            Mark::Warn,
            "this node has no audit.key and seals nothing",
            "keep the key on one node at least",
        );
    }
}

async fn worker(node: &Node, report: &mut Report) {
    let jobs = node.engine.reader().job_count().await.unwrap_or(0);
    if node.home.database.is_some() {
        return report.ok(
            "worker",
            format!("{jobs} jobs queued; ask each node's /readyz"),
        );
    }
    match Lock::take(&node.home) {
        Err(_) => report.ok("worker", format!("a server is running, {jobs} jobs queued")),
        Ok(_) => {
            let due = node.engine.reader().next_due().await.ok().flatten();
            let waits = due
                .map(|d| views::left(node.engine.now(), d))
                .unwrap_or_default();
            if jobs > 0 {
                report.bad(
                    "worker",
                    Mark::Warn,
                    format!("{jobs} jobs queued ({waits}) and no server is running"),
                    "tuesday serve",
                );
            } else {
                report.ok("worker", "no server is running, nothing is queued");
            }
        }
    }
}

fn print(common: &Common, report: &Report) -> ExitCode {
    let count = |mark| report.0.iter().filter(|l| l.mark == mark).count();
    let (problems, warnings) = (count(Mark::Fail), count(Mark::Warn));
    let word = |mark| match mark {
        Mark::Ok => "ok",
        Mark::Warn => "warn",
        Mark::Fail => "FAIL",
    };
    if common.json {
        let checks: Vec<_> = report.0.iter().map(|l| json!({"check": l.check, "result": word(l.mark), "text": l.text, "way_out": l.way_out})).collect();
        out::json_line(
            &json!({"ok": problems == 0, "problems": problems, "warnings": warnings, "checks": checks}),
        );
        return ExitCode::from(u8::from(problems > 0));
    }
    for l in &report.0 {
        out::line(&format!("  {:<5} {:<10} {}", word(l.mark), l.check, l.text));
    }
    out::line(&format!("\n{problems} problems, {warnings} warnings"));
    for l in report.0.iter().filter(|l| l.mark != Mark::Ok) {
        out::line(&format!(
            "  {:<10} {}",
            l.check,
            l.way_out.as_deref().unwrap_or_default()
        ));
    }
    ExitCode::from(u8::from(problems > 0))
}
