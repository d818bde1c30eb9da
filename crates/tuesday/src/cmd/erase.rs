//! `tuesday erase`: what an erasure on request would take, the erasure itself, and those of before.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::problem::Problem;
use tuesday_engine::ops::{Erase, ErasureOf, ErasurePlan, ErasureQuery};

use crate::args;
use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `erase`.
#[derive(Debug, Args)]
pub(crate) struct EraseArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// What would go, what would stay, what stands in the way; nothing happens
    Plan(Named),
    /// Erase what the list of `plan` names; needs its code
    Apply {
        #[command(flatten)]
        named: Named,
        /// The code of the list that was read
        #[arg(long, value_name = "CODE")]
        confirm: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// The policy or law it is done under
        #[arg(long)]
        policy: Option<String>,
        /// Give open work to people first
        #[arg(long)]
        hand_over: bool,
    },
    /// Erasures that were ordered, the newest first
    List,
}

/// What is named.
#[derive(Debug, Args)]
struct Named {
    /// Everything that names this customer
    #[arg(long, value_name = "NAME", required_unless_present_any = ["record", "run"], conflicts_with_all = ["record", "run"])]
    customer: Option<String>,
    /// Everything that holds this record as a value
    #[arg(long, value_name = "ID", conflicts_with = "run")]
    record: Option<String>,
    /// One run, with the runs that carry copies of its inputs
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// A run of the list that is about somebody else; may be given several times
    #[arg(long, value_name = "ID")]
    except: Vec<String>,
}

impl Named {
    fn query(self) -> Result<ErasureQuery, Problem> {
        let of = match (self.customer, self.record, self.run) {
            (Some(name), ..) => ErasureOf::Customer(name),
            (_, Some(id), _) => ErasureOf::Record(id),
            (_, _, Some(id)) => ErasureOf::Run(args::id(&id, "run")?),
            _ => {
                return Err(Problem::new(
                    "bad_request",
                    "name a customer, a record or a run",
                ));
            }
        };
        let except = self.except.iter().map(|id| args::id(id, "except"));
        Ok(ErasureQuery {
            of,
            except: except.collect::<Result<_, _>>()?,
        })
    }
}

/// Runs the command. A plan that a hold or open work stands in the way of ends with exit code 1.
pub(crate) async fn run(common: Common, args: EraseArgs) -> Result<ExitCode, Problem> {
    let node = wiring::open(Home::find(&common)?, Opening::default()).await?;
    match args.act {
        Act::Plan(named) => {
            let by = wiring::person(&common)?;
            let plan = Box::pin(node.engine.plan_erasure(&named.query()?, &by)).await?;
            let free = plan.held.is_empty() && plan.open().is_empty();
            if common.json {
                out::json_line(&json!(plan));
            } else {
                show(&plan);
            }
            Ok(ExitCode::from(u8::from(!free)))
        }
        Act::Apply {
            named,
            confirm,
            reason,
            policy,
            hand_over,
        } => {
            let by = wiring::person(&common)?;
            let how = Erase {
                code: Some(confirm),
                reason,
                policy,
                hand_over,
            };
            let done = Box::pin(node.engine.erase(&named.query()?, &how, &by)).await?;
            if common.json {
                out::json_line(&json!(done));
            } else {
                out::line(&format!(
                    "{}: {} runs, {} refused events and {} problem reports are erased",
                    done.erasure, done.runs, done.intake, done.reports
                ));
                if done.waiting > 0 {
                    out::line(&format!(
                        "{} runs wait: a hold was placed meanwhile",
                        done.waiting
                    ));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Act::List => {
            let all = node.engine.erasures(None, 1_000).await?;
            if all.is_empty() && !common.json {
                out::line("nothing was erased on request");
            }
            for e in all {
                let runs = e.objects.split_whitespace().count();
                let done = e.done_at.map(|t| t.rfc3339());
                if common.json {
                    out::json_line(
                        &json!({"erasure": e.id.to_string(), "about": e.about, "policy": e.policy,
                        "reason": e.reason, "runs": runs, "ordered_by": e.ordered_by,
                        "ordered_at": e.ordered_at.rfc3339(), "done_at": done}),
                    );
                } else {
                    let state =
                        done.map_or_else(|| "not done yet".to_owned(), |t| format!("done {t}"));
                    out::line(&format!(
                        "{}  {} by a {}, {runs} runs, ordered {} by {}: {}; {state}",
                        e.id,
                        e.policy,
                        e.about,
                        e.ordered_at.rfc3339(),
                        e.ordered_by,
                        e.reason
                    ));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn show(plan: &ErasurePlan) {
    if plan.is_empty() {
        return out::line("Nothing is kept under that name.");
    }
    let mut table = out::table(&["Run", "Workflow", "Case", "State", "Found in", "Goes"]);
    for r in &plan.runs {
        let goes: Vec<String> = r.payloads.iter().map(|(k, n)| format!("{n} {k}")).collect();
        let state = if r.open {
            format!("{} (open)", r.status)
        } else {
            r.status.to_owned()
        };
        table.add_row([
            r.run.clone(),
            r.workflow.clone(),
            r.subject.clone(),
            state,
            r.found_in.join(", "),
            goes.join(", "),
        ]);
    }
    out::line(&table.to_string());
    for id in &plan.intake {
        out::line(&format!("refused event {id}: its body"));
    }
    for id in &plan.reports {
        out::line(&format!("problem report {id}: its words"));
    }
    for kept in &plan.stays {
        out::line(&format!("stays: {}: {}", kept.place, kept.why));
    }
    for held in &plan.held {
        out::line(&format!(
            "held: {} by {} ({}: {})",
            held.object, held.hold, held.placed_by, held.reason
        ));
    }
    let open = plan.open();
    if !open.is_empty() {
        out::line(&format!(
            "{} runs have open work: decide it, or add --hand-over",
            open.len()
        ));
    }
    out::line(&format!(
        "\nNothing has been erased. To erase {} runs: the same with `apply --confirm {} --reason WHY`",
        plan.runs.len(),
        plan.code
    ));
}
