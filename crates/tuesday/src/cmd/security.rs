//! `tuesday security`: the matrix of roles and acts, the review of who holds which right, and the four
//! answers: where secrets are, what data leaves, who can call which tool, where the audit trail is.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::access::{Act as What, Role, may};
use tuesday_domain::problem::Problem;

use tuesday_engine::ops::{Egress, EgressDays, SecurityReport};

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `security`.
#[derive(Debug, Args)]
pub(crate) struct SecurityArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Which role may do which act, printed from the function that is asked
    Matrix,
    /// Who holds which role, when it was last used, and what nobody has used for 90 days
    AccessReview,
    /// Where secrets are, who can call which tool, where the audit trail is; exit 1 with findings
    Report(Which),
    /// Who can call which tool, in the present stage
    Tools(Which),
    /// For how long each class of each workflow is kept
    Retention,
    /// What data left: which fields, to whom, how often, under which release
    Egress {
        #[command(flatten)]
        which: Which,
        /// First day (2026-11-17), or how long ago (7d)
        #[arg(long, default_value = "6d", value_name = "DAY")]
        since: String,
        /// Last day; today when left out
        #[arg(long, value_name = "DAY")]
        until: Option<String>,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Workflow; all of them when left out
    workflow: Option<String>,
}

/// Runs the command. Findings end an access review with exit code 1.
pub(crate) async fn run(common: Common, args: SecurityArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::Matrix => {
            matrix(&common);
            Ok(ExitCode::SUCCESS)
        }
        Act::AccessReview => review(common).await,
        Act::Report(which) => report(common, which).await,
        Act::Tools(which) => tools(common, which).await,
        Act::Retention => retention(common).await,
        Act::Egress {
            which,
            since,
            until,
        } => {
            let days = EgressDays {
                from: Some(since),
                to: until,
            };
            egress(common, which, days).await
        }
    }
}

fn matrix(common: &Common) {
    let held = |act: &What| -> Vec<&'static str> {
        Role::ALL
            .iter()
            .filter(|r| may(**r, *act))
            .map(|r| r.word())
            .collect()
    };
    let mut table = out::table(&["Act", "Roles"]);
    for act in What::ALL {
        if common.json {
            out::json_line(
                &json!({"act": act.word(), "roles": held(act), "fresh_proof": act.step_up()}),
            );
        }
        table.add_row([act.word().to_owned(), held(act).join(", ")]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
}

async fn review(common: Common) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let rows = node.engine.access_review().await?;
    let findings = rows.iter().filter(|r| r.finding.is_some()).count();
    let mut table = out::table(&["Person", "Role", "On", "Sees up to", "Last used", "Finding"]);
    for r in rows {
        if common.json {
            let row = serde_json::to_value(&r).map_err(|e| out::unavailable(e.to_string()))?;
            out::json_line(&row);
        }
        table.add_row([
            r.name,
            r.role.word().to_owned(),
            r.workflow.unwrap_or_else(|| "the instance".to_owned()),
            r.clearance.to_owned(),
            r.last_used.unwrap_or_else(|| "never".to_owned()),
            r.finding.unwrap_or_default(),
        ]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(if findings > 0 {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

async fn asked(common: &Common, which: Which) -> Result<SecurityReport, Problem> {
    let node = wiring::open(Home::find(common)?, Opening::default()).await?;
    node.engine.security_report(which.workflow.as_deref()).await
}

async fn report(common: Common, which: Which) -> Result<ExitCode, Problem> {
    let report = asked(&common, which).await?;
    if common.json {
        out::json_line(&json!(report));
    } else {
        print_report(&report);
    }
    Ok(ExitCode::from(u8::from(report.findings > 0)))
}

fn print_report(report: &SecurityReport) {
    for w in &report.workflows {
        if let Some(finding) = &w.finding {
            out::line(&format!("To look at: {}: {finding}", w.workflow));
        }
    }
    let mut secrets = out::table(&["Workflow", "Secret", "Used by", "Age", "State"]);
    for w in &report.workflows {
        for s in &w.secrets {
            let state = s.finding.clone().unwrap_or_else(|| "there".to_owned());
            let age = s
                .age_days
                .map_or_else(|| "unknown".to_owned(), |d| format!("{d} d"));
            secrets.add_row([&w.workflow, &s.reference, &s.used_by, &age, &state]);
        }
    }
    out::line("Where are secrets? In the places that these references name:");
    shown(&secrets, "No workflow uses a secret.");
    out::line(
        "\nWhat data leaves? In the last seven days (other days: tuesday security egress --since DAY):",
    );
    let mut left = egress_table();
    for way in report.left.iter().filter(|e| e.outlet.outside) {
        left.add_row(egress_row(way));
    }
    shown(&left, "Nothing is set up to leave this machine.");
    out::line("\nWho can call which tool?");
    print_tools(report);
    let t = &report.trail;
    let at = t.sealed_at.as_deref().unwrap_or("never");
    let file = t
        .published_to
        .as_deref()
        .unwrap_or("nowhere outside the database");
    out::line(&format!(
        "\nWhere is the audit trail? In the database: {} entries, {} under a head signed {at}; heads are published to {file}.",
        t.entries, t.sealed
    ));
    if let Some(finding) = &t.finding {
        out::line(&format!("To look at: {finding}"));
    }
    if report.findings > 0 {
        out::line(&format!("{} findings", report.findings));
    }
}

async fn tools(common: Common, which: Which) -> Result<ExitCode, Problem> {
    let report = asked(&common, which).await?;
    if common.json {
        for w in &report.workflows {
            for t in &w.tools {
                let mut row = json!(t);
                row["workflow"] = json!(w.workflow);
                out::json_line(&row);
            }
        }
    } else {
        print_tools(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_tools(report: &SecurityReport) {
    let mut table = out::table(&[
        "Workflow",
        "Tool",
        "System",
        "Class",
        "Credential",
        "Now",
        "Finding",
    ]);
    for w in &report.workflows {
        for t in &w.tools {
            let o = &t.outlet;
            table.add_row([
                w.workflow.clone(),
                format!("{} {}", o.kind.word(), o.name),
                o.system.clone(),
                o.class.word().to_owned(),
                o.secret.clone().unwrap_or_else(|| "none".to_owned()),
                t.permitted.to_owned(),
                t.finding.clone().unwrap_or_default(),
            ]);
        }
    }
    out::line(&table.to_string());
}

async fn retention(common: Common) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let mut table = out::table(&["Workflow", "Policy", "Gone through to", "Days that wait"]);
    for rule in node.engine.retention().await? {
        if common.json {
            out::json_line(&json!(rule));
        }
        let to = rule.done_to.unwrap_or_else(|| "nothing yet".to_owned());
        table.add_row([rule.workflow, rule.policy, to, rule.waiting.to_string()]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

async fn egress(common: Common, which: Which, days: EgressDays) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    let rows = node.engine.egress(which.workflow.as_deref(), &days).await?;
    let mut table = egress_table();
    for r in rows {
        if common.json {
            out::json_line(&json!(r));
        } else {
            table.add_row(egress_row(&r));
        }
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// The table, or the words for an empty one.
fn shown(table: &comfy_table::Table, none: &str) {
    if table.row_count() == 0 {
        out::line(none);
    } else {
        out::line(&table.to_string());
    }
}

fn egress_table() -> comfy_table::Table {
    out::table(&["Workflow", "Release", "To", "At", "Requests", "Fields"])
}

fn egress_row(e: &Egress) -> [String; 6] {
    let field = |f: &tuesday_domain::outlet::SentField| {
        let masked = if f.masked { ", masked" } else { "" };
        format!("{} ({}{masked})", f.name, f.class.word())
    };
    let fields: Vec<String> = e.outlet.fields.iter().map(field).collect();
    [
        e.workflow.clone(),
        e.release.to_string(),
        format!("{} {}", e.outlet.kind.word(), e.outlet.system),
        e.outlet.place.clone(),
        e.requests
            .map_or_else(|| "not counted".to_owned(), |n| n.to_string()),
        fields.join("\n"),
    ]
}
