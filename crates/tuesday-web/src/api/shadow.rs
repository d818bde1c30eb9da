//! Shadow runs against what people did, over the API.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use tuesday_domain::eval::Count;
use tuesday_domain::problem::Problem;
use tuesday_domain::shadow::{Agreement, Shadow};
use tuesday_domain::time::{TimeError, parse_day};
use tuesday_engine::ops::ShadowQuery;
use utoipa::{IntoParams, ToSchema};

use crate::auth::ApiReader;
use crate::console::shadow::days;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// Runs that one answer compares at most.
const MOST: usize = 10_000;

/// A share with its 95 % interval.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShareBody {
    hits: u64,
    of: u64,
    share: Option<f64>,
    low: f64,
    high: f64,
}

fn share(c: Count) -> ShareBody {
    let r = c.rate();
    ShareBody {
        hits: r.hits,
        of: r.of,
        share: r.share,
        low: r.low,
        high: r.high,
    }
}

/// Agreement on one closed field.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgreementBody {
    all: ShareBody,
    /// By the value that people chose.
    classes: BTreeMap<String, ShareBody>,
    /// What was proposed in place of what people chose.
    instead: Vec<InsteadBody>,
}

/// A disagreement with how often it came.
#[derive(Serialize, ToSchema)]
pub(crate) struct InsteadBody {
    people: String,
    proposed: String,
    runs: u64,
}

/// Why runs could not be compared.
#[derive(Serialize, ToSchema)]
pub(crate) struct NotComparedBody {
    all: u64,
    /// No valid output.
    no_output: u64,
    /// Nobody is known to have done anything.
    nobody: u64,
    /// People rejected theirs and said no other value.
    rejected: u64,
    /// The outputs share no closed field.
    no_field: u64,
}

/// What shadow runs proposed against what people did.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShadowBody {
    workflow: String,
    from: String,
    to: String,
    runs: u64,
    /// Runs beyond the first ten thousand were left out.
    cut: bool,
    compared: u64,
    /// Every closed field the same.
    whole: ShareBody,
    /// As a posted outcome says.
    outcomes: ShareBody,
    fields: BTreeMap<String, AgreementBody>,
    not_compared: NotComparedBody,
    /// Actions that left a shadow run: none.
    sent: u64,
}

/// Which days, and where people worked.
#[derive(Deserialize, IntoParams)]
pub(crate) struct ShadowAsked {
    from: Option<String>,
    to: Option<String>,
    /// The workflow in which people worked the same events, when it is another.
    against: Option<String>,
}

fn agreement(a: Agreement) -> AgreementBody {
    let instead = a.instead.into_iter();
    AgreementBody {
        all: share(a.all),
        classes: a.classes.into_iter().map(|(c, n)| (c, share(n))).collect(),
        instead: instead
            .map(|((people, proposed), runs)| InsteadBody {
                people,
                proposed,
                runs,
            })
            .collect(),
    }
}

fn body(workflow: String, (from, to): (String, String), (s, cut): (Shadow, bool)) -> ShadowBody {
    ShadowBody {
        workflow,
        from,
        to,
        runs: s.runs,
        cut,
        compared: s.compared(),
        whole: share(s.whole),
        outcomes: share(s.outcomes),
        not_compared: NotComparedBody {
            all: s.not_compared(),
            no_output: s.no_output,
            nobody: s.nobody,
            rejected: s.rejected,
            no_field: s.no_field,
        },
        sent: s.sent,
        fields: s
            .fields
            .into_iter()
            .map(|(n, a)| (n, agreement(a)))
            .collect(),
    }
}

/// Agreement of shadow runs with what people did about the same events, class by class with intervals.
#[utoipa::path(get, path = "/api/v1/workflows/{workflow}/shadow", tag = "workflows", params(("workflow" = String, Path), ShadowAsked),
    responses((status = 200, body = ShadowBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn report(
    State(app): State<App>,
    reader: ApiReader,
    Path(name): Path<String>,
    Query(q): Query<ShadowAsked>,
) -> Result<Json<ShadowBody>, ApiError> {
    reader.sees(&name)?;
    if let Some(other) = &q.against {
        reader.sees(other)?;
    }
    let bad = |field: &'static str| {
        move |e: TimeError| Problem::new("bad_request", e.to_string()).field(field)
    };
    let (_, live) = app.engine.live(&name).await?;
    let (first, last) = days(app.engine.now(), &live.ready.zone);
    let from = q
        .from
        .as_deref()
        .map(parse_day)
        .transpose()
        .map_err(bad("from"))?;
    let to =
        q.to.as_deref()
            .map(parse_day)
            .transpose()
            .map_err(bad("to"))?;
    let (from, to) = (from.unwrap_or(first), to.unwrap_or(last));
    let asked = ShadowQuery {
        workflow: &name,
        against: q.against.as_deref(),
        days: (&from, &to),
        clearance: reader.rights().clearance(&name),
        most: MOST,
    };
    let found = app.engine.shadow_report(asked).await?;
    Ok(Json(body(name, (from, to), found)))
}
