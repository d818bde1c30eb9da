//! `tuesday security`: the matrix of roles and acts, and the review of who holds which right.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::access::{Act as What, Role, may};
use tuesday_domain::problem::Problem;

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
}

/// Runs the command. Findings end an access review with exit code 1.
pub(crate) async fn run(common: Common, args: SecurityArgs) -> Result<ExitCode, Problem> {
    match args.act {
        Act::Matrix => {
            matrix(&common);
            Ok(ExitCode::SUCCESS)
        }
        Act::AccessReview => review(common).await,
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
