//! `tuesday user`: who is here and what they may do. Whoever can open the database acts as its
//! administrator; every change says who and why.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tuesday_domain::access::Role;
use tuesday_domain::actor::Class;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Grant, Person};
use tuesday_domain::time::Timestamp;
use tuesday_engine::Engine;
use tuesday_engine::ops::PersonCard;

use crate::cli::Common;
use crate::config::Home;
use crate::out;
use crate::wiring::{self, Opening};

/// Arguments of `user`.
#[derive(Debug, Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    act: Act,
}

/// Why; every change needs it.
#[derive(Debug, Args)]
struct Why {
    /// The person, by handle
    handle: String,
    /// Why; kept in the audit log
    #[arg(long, default_value = "")]
    reason: String,
}

/// Which role, and where.
#[derive(Debug, Args)]
struct Which {
    #[command(flatten)]
    why: Why,
    /// The role, such as reviewer or operator_owner
    #[arg(long)]
    role: Role,
    /// The workflow it is for; the instance when left out
    #[arg(long)]
    workflow: Option<String>,
    /// The review tier of a specialist reviewer
    #[arg(long)]
    tier: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Add a person and print a set-up link that works once
    Invite {
        #[command(flatten)]
        why: Why,
        /// Name for people
        #[arg(long)]
        name: String,
        /// Where notices go
        #[arg(long)]
        email: String,
    },
    /// Everybody, active or not
    List,
    /// One person: roles, ways to sign in, sessions, tokens
    Show {
        /// The person, by handle
        handle: String,
    },
    /// Give a role
    Grant {
        #[command(flatten)]
        which: Which,
        /// Highest sensitivity class it shows; the role's own when left out
        #[arg(long)]
        clearance: Option<Class>,
        /// It also allows pausing the workflow
        #[arg(long)]
        may_pause: bool,
        /// It ends then by itself: RFC 3339, or a day that it still holds on
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
    },
    /// Take a role away; it stops working with the next request
    Revoke {
        #[command(flatten)]
        which: Which,
    },
    /// Switch off: sessions and tokens end, the name stays in history
    Deactivate(Why),
    /// Switch on again
    Activate(Why),
    /// Note an absence and who stands in
    Away {
        #[command(flatten)]
        why: Why,
        /// Until when, RFC 3339 or a day
        #[arg(long)]
        until: String,
        /// Who stands in, by handle
        #[arg(long)]
        to: Option<String>,
    },
    /// Take all ways to sign in away and print a new link
    PasswdReset(Why),
    /// Always refused: what has a history is never deleted
    Delete {
        /// The person, by handle
        handle: String,
    },
}

/// Runs the command.
pub(crate) async fn run(common: Common, args: UserArgs) -> Result<ExitCode, Problem> {
    let home = Home::find(&common)?;
    let public_url = home
        .file
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", super::serve::LISTEN));
    let node = wiring::open(home, Opening::default()).await?;
    act(&node.engine, &common, args.act, &public_url).await?;
    Ok(ExitCode::SUCCESS)
}

async fn act(engine: &Engine, common: &Common, act: Act, url: &str) -> Result<(), Problem> {
    let by = wiring::actor(common);
    match act {
        Act::List => return list(engine, common).await,
        Act::Show { handle } => {
            let card = engine.person_card(&handle).await?;
            show(common, &card);
        }
        Act::Delete { handle } => return engine.delete_person(&handle).await,
        Act::Invite { why, name, email } => {
            let person = Person {
                handle: why.handle.clone(),
                name,
                email,
                active: true,
            };
            let code = engine.invite(person, &why.reason, &by).await?;
            link(common, &why.handle, url, &code);
        }
        Act::PasswdReset(why) => {
            let code = engine.reset_sign_in(&why.handle, &why.reason, &by).await?;
            link(common, &why.handle, url, &code);
        }
        Act::Grant {
            which,
            clearance,
            may_pause,
            until,
        } => {
            let mut new = grant(&which);
            new.until = until.as_deref().map(time).transpose()?;
            new.clearance = clearance.unwrap_or(new.clearance);
            new.may_pause = may_pause;
            let given = engine.grant(new, &which.why.reason, &by).await?;
            told(
                common,
                &given.person,
                &format!(
                    "holds {} on {}{}",
                    given.role,
                    given.place(),
                    until_words(&given)
                ),
            );
        }
        Act::Revoke { which } => {
            let old = grant(&which);
            engine.revoke(&old, &which.why.reason, &by).await?;
            told(common, &old.person, &format!("holds {} no more", old.role));
        }
        Act::Deactivate(why) => {
            engine
                .set_active(&why.handle, false, &why.reason, &by)
                .await?;
            told(common, &why.handle, "is deactivated");
        }
        Act::Activate(why) => {
            engine
                .set_active(&why.handle, true, &why.reason, &by)
                .await?;
            told(common, &why.handle, "is active");
        }
        Act::Away { why, until, to } => {
            let at = time(&until)?;
            engine
                .set_away(&why.handle, at, to, &why.reason, &by)
                .await?;
            told(common, &why.handle, &format!("is away until {at}"));
        }
    }
    Ok(())
}

fn grant(which: &Which) -> Grant {
    let mut out = Grant::new(which.why.handle.clone(), which.role, which.workflow.clone());
    out.tier.clone_from(&which.tier);
    out
}

fn until_words(g: &Grant) -> String {
    g.until.map(|t| format!(" until {t}")).unwrap_or_default()
}

fn time(text: &str) -> Result<Timestamp, Problem> {
    let whole = if text.len() == 10 {
        format!("{text}T23:59:59Z")
    } else {
        text.to_owned()
    };
    Timestamp::parse(&whole).map_err(|e| Problem::new("bad_request", e.to_string()).field("until"))
}

fn told(common: &Common, handle: &str, words: &str) {
    if common.json {
        out::json_line(&json!({"person": handle, "now": words}));
    } else {
        out::say(&format!("{handle} {words}"));
    }
}

fn link(common: &Common, handle: &str, url: &str, code: &str) {
    let link = format!("{url}/sign-in?code={code}");
    if common.json {
        out::json_line(&json!({"person": handle, "link": link}));
    } else {
        out::line(&link);
        out::say("It works once, for three days, and is not shown again.");
    }
}

async fn list(engine: &Engine, common: &Common) -> Result<(), Problem> {
    let failed = |e: tuesday_store::ReadError| out::unavailable(e.to_string());
    let people = engine.reader().people().await.map_err(failed)?;
    let grants = engine.reader().grants().await.map_err(failed)?;
    let mut table = out::table(&["Handle", "Name", "Mail", "Active", "Roles"]);
    for p in people {
        let mut roles: Vec<&str> = grants
            .iter()
            .filter(|g| g.person == p.handle)
            .map(|g| g.role.word())
            .collect();
        roles.sort_unstable();
        roles.dedup();
        if common.json {
            out::json_line(
                &json!({"handle": p.handle, "name": p.name, "email": p.email,
                "active": p.active, "roles": roles}),
            );
        }
        let active = if p.active { "yes" } else { "no" };
        table.add_row([
            p.handle,
            p.name,
            p.email,
            active.to_owned(),
            roles.join(", "),
        ]);
    }
    if !common.json {
        out::line(&table.to_string());
    }
    Ok(())
}

fn show(common: &Common, card: &PersonCard) {
    let grants: Vec<_> = card
        .grants
        .iter()
        .map(|g| {
            json!({"role": g.role.word(), "workflow": g.workflow, "tier": g.tier,
                "clearance": g.clearance.word(), "may_pause": g.may_pause,
                "granted_by": g.granted_by, "granted_at": g.granted_at.rfc3339(),
                "until": g.until.map(Timestamp::rfc3339)})
        })
        .collect();
    let ways: Vec<&str> = card.credentials.iter().map(|c| c.kind.word()).collect();
    let away = card.away.as_ref().map(|a| a.until.rfc3339());
    if common.json {
        out::json_line(
            &json!({"handle": card.person.handle, "name": card.person.name,
            "email": card.person.email, "active": card.person.active, "grants": grants,
            "sign_in": ways, "sessions": card.sessions.len(), "tokens": card.tokens.len(),
            "away_until": away}),
        );
        return;
    }
    let state = if card.person.active {
        "active"
    } else {
        "deactivated"
    };
    out::line(&format!(
        "{} ({}), {state}",
        card.person.name, card.person.handle
    ));
    for g in &card.grants {
        out::line(&format!(
            "  {} on {}, sees up to {}{}, granted by {}",
            g.role,
            g.place(),
            g.clearance.word(),
            until_words(g),
            g.granted_by
        ));
    }
    out::line(&format!(
        "  signs in with: {}; {} sessions, {} tokens",
        if ways.is_empty() {
            "nothing yet".to_owned()
        } else {
            ways.join(", ")
        },
        card.sessions.len(),
        card.tokens.len()
    ));
}
