//! `tuesday token create`: prints the token once.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::Scope;
use tuesday_engine::ops::NewToken;

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `token`.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a token; it is shown once and only its hash is kept
    Create {
        /// The workflow it is for; all when left out
        #[arg(long)]
        workflow: Option<String>,
        /// What it may do: trigger, review, read, admin
        #[arg(long)]
        scope: Scope,
        /// In whose name it decides (scopes review and admin)
        #[arg(long)]
        person: Option<String>,
        /// How many days it works
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// List tokens, never their text
    List,
    /// Withdraw a token
    Revoke {
        /// Its id
        id: tuesday_domain::id::TokenId,
        /// Why; kept in the audit log
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: TokenArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    match args.act {
        Act::Create {
            workflow,
            scope,
            person,
            days,
        } => {
            let life = Duration::from_secs(u64::from(days) * 86_400);
            let person = person.or_else(|| common.acting.clone());
            let new = NewToken {
                scope,
                workflow,
                person,
                life,
            };
            let (text, token) = node
                .engine
                .create_token(new, &wiring::actor(&common))
                .await?;
            if common.json {
                out::json_line(
                    &json!({"token": text, "id": token.id.to_string(), "scope": token.scope.word(),
                    "workflow": token.workflow, "expires_at": token.expires_at.rfc3339()}),
                );
            } else {
                out::line(&text);
                out::say(&format!(
                    "{} works until {}; it is not shown again",
                    token.id, token.expires_at
                ));
            }
        }
        Act::Revoke { id, reason } => {
            let by = wiring::actor(&common);
            node.engine.revoke_token(id, &reason, &by).await?;
            out::say(&format!("{id} is withdrawn"));
        }
        Act::List => {
            let tokens = node
                .engine
                .reader()
                .tokens()
                .await
                .map_err(|e| out::unavailable(e.to_string()))?;
            let mut table =
                out::table(&["Token", "Scope", "Workflow", "Person", "Until", "Withdrawn"]);
            for t in tokens {
                let withdrawn = t.revoked_at.map(|at| at.rfc3339()).unwrap_or_default();
                let (workflow, person) = (
                    t.workflow.unwrap_or_else(|| "all".into()),
                    t.person.unwrap_or_default(),
                );
                if common.json {
                    out::json_line(
                        &json!({"id": t.id.to_string(), "scope": t.scope.word(), "workflow": workflow,
                        "person": person, "expires_at": t.expires_at.rfc3339(), "revoked_at": withdrawn}),
                    );
                }
                table.add_row([
                    t.id.to_string(),
                    t.scope.word().into(),
                    workflow,
                    person,
                    t.expires_at.rfc3339(),
                    withdrawn,
                ]);
            }
            if !common.json {
                out::line(&table.to_string());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
