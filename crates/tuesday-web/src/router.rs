//! Every address, on one page.

use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tuesday_domain::problem::Problem;
use tuesday_engine::Engine;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    Description, adoption, alerts, audit, capacity, charter, compensations, costs, decisions,
    drift, exit, fixes, follow_ups, forecast, handoffs, health, incidents, intake, ledger, people,
    policies, postmortems, privacy, problem_reports, release_acts, releases, reroute, reruns,
    reviews, rollout, rules, runs, security, seeds, shadow, signals, tokens, triggers, unmapped,
    verdicts, views, workflows,
};
use crate::config::WebConfig;
use crate::console;
use crate::headers;
use crate::refusal::{ApiError, PageError};
use crate::router_charter;
use crate::state::{App, Web};

/// API, console and assets of one node.
pub fn router(engine: Engine, config: WebConfig) -> Router {
    let (https, most) = (config.https(), config.max_body_bytes);
    let app = Web::new(engine, config);
    let (api, openapi) = api().split_for_parts();
    let mut router = api
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(openapi))),
        )
        .merge(console())
        .fallback(nothing)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(most))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(headers::secure));
    if https {
        router = router.layer(from_fn(headers::strict_transport));
    }
    router.with_state(app)
}

/// Money and time.
fn api_money() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(costs::report))
        .routes(routes!(adoption::show))
        .routes(routes!(capacity::show, capacity::set))
        .routes(routes!(capacity::ease))
        .routes(routes!(drift::show))
        .routes(routes!(drift::freeze))
        .routes(routes!(drift::close))
        .routes(routes!(drift::calibration, drift::rely))
        .routes(routes!(capacity::what_if))
        .routes(routes!(costs::scorecard))
        .routes(routes!(costs::weekly, costs::sign))
        .routes(routes!(costs::list, costs::enter))
        .routes(routes!(costs::reverse))
        .routes(routes!(exit::show, exit::estimate))
        .routes(routes!(forecast::show))
        .routes(routes!(forecast::misjudged))
        .routes(routes!(ledger::prices, ledger::set_prices))
        .routes(routes!(ledger::baseline, ledger::capture))
        .routes(routes!(ledger::limit, ledger::set_limit))
}

fn api() -> OpenApiRouter<App> {
    api_money()
        .routes(routes!(triggers::receive))
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::story))
        .routes(routes!(runs::retry))
        .routes(routes!(reruns::rerun))
        .routes(routes!(runs::cancel))
        .routes(routes!(reviews::list))
        .routes(routes!(reviews::show))
        .routes(routes!(decisions::claim))
        .routes(routes!(decisions::release))
        .routes(routes!(decisions::approve))
        .routes(routes!(decisions::edit))
        .routes(routes!(decisions::reject))
        .routes(routes!(decisions::escalate))
        .routes(routes!(decisions::reassign))
        .routes(routes!(decisions::many))
        .routes(routes!(decisions::reading))
        .routes(routes!(decisions::settle))
        .routes(routes!(decisions::recall))
        .routes(routes!(decisions::recall_run))
        .routes(routes!(audit::proof))
        .routes(routes!(verdicts::verdict))
        .routes(routes!(seeds::place))
        .merge(api_workflows())
        .routes(routes!(views::list))
        .routes(routes!(views::save))
        .routes(routes!(views::drop_one))
        .routes(routes!(policies::list))
        .routes(routes!(policies::changed))
        .routes(routes!(policies::duties))
        .routes(routes!(policies::answer))
        .routes(routes!(incidents::list, incidents::open))
        .routes(routes!(fixes::report))
        .routes(routes!(incidents::show))
        .routes(routes!(incidents::act))
        .routes(routes!(incidents::correct))
        .routes(routes!(incidents::postmortem))
        .routes(routes!(incidents::settle))
        .routes(routes!(compensations::compensate))
        .routes(routes!(compensations::show))
        .routes(routes!(incidents::radius))
        .routes(routes!(incidents::degraded))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::show))
        .routes(routes!(releases::list))
        .routes(routes!(releases::show))
        .routes(routes!(security::report))
        .routes(routes!(security::egress))
        .routes(routes!(privacy::retention))
        .routes(routes!(privacy::holds, privacy::place))
        .routes(routes!(privacy::lift))
        .routes(routes!(privacy::erasures, privacy::erase))
        .routes(routes!(privacy::plan))
        .routes(routes!(people::list, people::invite))
        .routes(routes!(people::show))
        .routes(routes!(people::reset))
        .routes(routes!(people::grant))
        .routes(routes!(people::withdraw))
        .routes(routes!(people::deactivate))
        .routes(routes!(people::activate))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(intake::list))
        .routes(routes!(intake::show))
        .routes(routes!(intake::resubmit))
        .routes(routes!(audit::checkpoint))
        .routes(routes!(audit::checkpoints))
        .routes(routes!(audit::entries))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}

/// Workflows: their rules, how they stand, what is said about them.
fn api_workflows() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(problem_reports::create))
        .routes(routes!(problem_reports::list))
        .routes(routes!(problem_reports::show))
        .routes(routes!(problem_reports::tie))
        .routes(routes!(problem_reports::triage))
        .routes(routes!(problem_reports::mails))
        .routes(routes!(workflows::list))
        .routes(routes!(workflows::show))
        .routes(routes!(workflows::rules, rules::change))
        .routes(routes!(rules::backtest))
        .routes(routes!(rules::history))
        .routes(routes!(rules::approve))
        .routes(routes!(rules::refuse))
        .routes(routes!(rules::acknowledge))
        .routes(routes!(rules::report))
        .routes(routes!(unmapped::list))
        .routes(routes!(reroute::preview, reroute::act))
        .routes(routes!(rules::advice))
        .routes(routes!(workflows::priority))
        .routes(routes!(workflows::set_priority))
        .routes(routes!(workflows::batch))
        .routes(routes!(charter::charter))
        .routes(routes!(charter::checklist))
        .routes(routes!(charter::readiness))
        .routes(routes!(charter::label, charter::set_label))
        .routes(routes!(charter::review_label))
        .routes(routes!(charter::state))
        .routes(routes!(charter::train))
        .merge(router_charter::api())
        .routes(routes!(postmortems::list, postmortems::open))
        .routes(routes!(postmortems::show))
        .routes(routes!(postmortems::answer))
        .routes(routes!(postmortems::close))
        .routes(routes!(postmortems::causes))
        .routes(routes!(follow_ups::list, follow_ups::add))
        .routes(routes!(follow_ups::end))
        .routes(routes!(handoffs::list))
        .routes(routes!(release_acts::create))
        .routes(routes!(release_acts::show))
        .routes(routes!(shadow::report))
        .routes(routes!(release_acts::excuse))
        .routes(routes!(release_acts::acknowledge))
        .routes(routes!(rollout::standing))
        .routes(routes!(rollout::pause))
        .routes(routes!(rollout::resume))
        .routes(routes!(rollout::kill))
        .routes(routes!(rollout::restrict))
        .routes(routes!(rollout::stage))
        .routes(routes!(rollout::emergency))
        .routes(routes!(rollout::retire))
        .routes(routes!(rollout::decisions, rollout::decide))
        .routes(routes!(signals::list, signals::post))
}

fn console() -> Router<App> {
    Router::new()
        .route("/", get(console::home))
        .route("/errors/{code}", get(console::errors::show))
        .route("/queue", get(console::queue::page))
        .route("/queue/rows", get(console::queue::rows))
        .route("/queue/views", post(console::queue::save))
        .route(
            "/queue/together",
            get(console::together::page).post(console::together::post),
        )
        .route("/events", get(console::events::stream))
        .route("/reviews/{id}", get(console::review::page))
        .route(
            "/reviews/{id}/edit",
            get(console::edit::page).post(console::edit::post),
        )
        .route("/reviews/{id}/changes", post(console::edit::changes))
        .route("/reviews/{id}/approval", post(console::decide::approve))
        .route("/reviews/{id}/rejection", post(console::decide::reject))
        .route("/reviews/{id}/escalation", post(console::decide::escalate))
        .route("/reviews/{id}/owner", post(console::decide::reassign))
        .route("/reviews/{id}/problem", post(console::report::report))
        .route("/reviews/{id}/reading", post(console::reading::sign))
        .route("/reviews/{id}/pause", post(console::reading::pause))
        .route("/reviews/{id}/settlement", post(console::decide::settle))
        .route("/reviews/{id}/claim", post(console::decide::claim))
        .route("/reviews/{id}/release", post(console::decide::release))
        .route("/reviews/{id}/verdict", post(console::verdict::post))
        .route("/reviews/{id}/recall", post(console::decide::recall))
        .merge(console_runs())
        .route("/intake", get(console::intake::list))
        .route("/intake/{id}", get(console::intake::one))
        .route("/intake/{id}/resubmission", post(console::intake::resubmit))
        .route("/workflows/{workflow}/wrong", get(console::wrong::page))
        .route("/incidents", get(console::incidents::list))
        .route("/incidents/{id}", get(console::incidents::one))
        .route("/blast-radius", get(console::blast::page))
        .route("/blast-radius/file", get(console::blast::file))
        .route(
            "/incidents/{id}/postmortem.md",
            get(console::incidents::postmortem),
        )
        .route("/incidents/{id}/{verb}", post(console::incidents::act))
        .route("/runbooks/{page}", get(console::incidents::runbook))
        .route("/problem-reports", get(console::problems::list))
        .route("/problem-reports/{id}", get(console::problems::one))
        .route(
            "/problem-reports/{id}/sorting",
            post(console::problems::sorting),
        )
        .route("/problem-reports/{id}/tie", post(console::problems::tie))
        .route(
            "/problem-reports/{id}/triage",
            post(console::problems::triage),
        )
        .route("/audit", get(console::audit::page))
        .route("/audit/export", post(console::export::bundle))
        .route("/changes", get(console::changes::page))
        .route("/workflows/{workflow}/batches", get(console::batch::page))
        .route("/workflows", get(console::workflows::page))
        .route("/workflows/{workflow}", get(console::workflow::page))
        .route("/workflows/{workflow}/seeds", post(console::seeds::place))
        .merge(console_standing())
        .merge(console_rules())
        .merge(console_releases())
        .merge(console_money())
        .merge(console_policies())
        .route(
            "/sign-in",
            get(console::sign_in::page).post(console::sign_in::post),
        )
        .route("/sign-in/passkey", post(console::sign_in::passkey))
        .route("/sign-in/oidc", get(console::company::enter))
        .route("/sign-in/oidc/callback", get(console::company::back))
        .route("/sign-out", post(console::sign_in::sign_out))
        .merge(console_people())
        .route("/look", post(console::sign_in::look))
        .route("/assets/{name}", get(console::asset))
}

/// The runs and what is done about one.
fn console_runs() -> Router<App> {
    Router::new()
        .route("/runs", get(console::runs::page))
        .route("/runs/{id}", get(console::run::page))
        .route("/runs/{id}/story.txt", get(console::run::text))
        .route("/runs/{id}/case.jsonl", get(console::run::case))
        .route("/runs/{id}/rerun", post(console::rerun::post))
        .route("/runs/{id}/recall", post(console::rerun::recall))
        .route(
            "/runs/{id}/actions/{action}/compensation",
            post(console::rerun::compensate),
        )
        .route("/runs/{id}/problem", post(console::problems::about_run))
}

/// How a workflow stands: every act of stopping and going on.
fn console_standing() -> Router<App> {
    Router::new()
        .merge(router_charter::pages())
        .route("/workflows/{workflow}/pause", post(console::standing::act))
        .route("/workflows/{workflow}/resume", post(console::standing::act))
        .route("/workflows/{workflow}/kill", post(console::standing::act))
        .route(
            "/workflows/{workflow}/restrict",
            post(console::standing::act),
        )
        .route("/workflows/{workflow}/stage", post(console::standing::act))
        .route("/workflows/{workflow}/retire", post(console::standing::act))
        .route(
            "/workflows/{workflow}/decisions",
            post(console::standing::act),
        )
}

/// One's own account, and the people and tokens of the instance.
fn console_people() -> Router<App> {
    Router::new()
        .route("/account", get(console::account::page))
        .route("/account/confirmation", post(console::account::confirm))
        .route(
            "/account/confirmation/options",
            post(console::passkeys::ask_again),
        )
        .route("/account/passkeys", post(console::passkeys::add))
        .route("/account/passkeys/options", post(console::passkeys::offer))
        .route("/account/passkeys/removal", post(console::passkeys::remove))
        .route("/account/oidc", get(console::company::confirm))
        .route("/account/oidc/removal", post(console::passkeys::unbind))
        .route("/account/password", post(console::account::password))
        .route("/account/codes", post(console::account::codes))
        .route("/account/sessions", post(console::account::sessions))
        .route(
            "/people",
            get(console::people::list).post(console::people::invite),
        )
        .route("/people/matrix", get(console::people::matrix))
        .route("/security", get(console::security::page))
        .route("/privacy", get(console::privacy::page))
        .route("/privacy/plan", post(console::privacy::plan))
        .route("/privacy/erasure", post(console::privacy::erase))
        .route("/privacy/holds", post(console::privacy::place))
        .route("/privacy/holds/{id}/lifting", post(console::privacy::lift))
        .route(
            "/people/tokens",
            get(console::tokens::page).post(console::tokens::create),
        )
        .route(
            "/people/tokens/{id}/revocation",
            post(console::tokens::revoke),
        )
        .route("/people/{handle}", get(console::people::one))
        .route("/people/{handle}/role", post(console::people::role))
        .route("/people/{handle}/standing", post(console::people::standing))
}

/// The rules page and what one may do there.
fn console_rules() -> Router<App> {
    use console::{rules, rules_check, rules_evidence, rules_reroute, rules_versions};
    Router::new()
        .route(
            "/workflows/{workflow}/rules",
            get(rules::page).post(rules::post),
        )
        .route("/workflows/{workflow}/rules.csv", get(rules_versions::file))
        .route(
            "/workflows/{workflow}/rules/versions",
            get(rules_versions::page),
        )
        .route(
            "/workflows/{workflow}/rules/reroute",
            get(rules_reroute::page).post(rules_reroute::post),
        )
        .route(
            "/workflows/{workflow}/rules/evidence",
            get(rules_evidence::page),
        )
        .route(
            "/workflows/{workflow}/rules/judgement",
            post(rules_check::judge),
        )
        .route(
            "/workflows/{workflow}/rules/rollback",
            post(rules::rollback),
        )
        .route(
            "/workflows/{workflow}/rules/acknowledgement",
            post(rules::acknowledge),
        )
        .route(
            "/workflows/{workflow}/rules/proposals/{version}",
            post(rules::decide),
        )
        .route(
            "/workflows/{workflow}/rules/proposals/{version}/withdrawal",
            post(rules::withdraw),
        )
}

/// The releases page and its doors.
fn console_releases() -> Router<App> {
    use console::releases;
    Router::new()
        .route("/workflows/{workflow}/releases", get(releases::page))
        .route(
            "/workflows/{workflow}/releases/rollback",
            post(releases::roll_back),
        )
        .route(
            "/workflows/{workflow}/releases/emergency",
            post(console::emergency::act),
        )
        .route(
            "/workflows/{workflow}/releases/acknowledgement",
            post(console::release_read::acknowledge),
        )
        .route(
            "/workflows/{workflow}/releases/stand-down",
            post(releases::stand_down),
        )
        .route(
            "/workflows/{workflow}/releases/{id}/stand-by",
            post(releases::stand_by),
        )
        .route(
            "/workflows/{workflow}/releases/{id}/approval",
            post(releases::approve),
        )
        .route(
            "/workflows/{workflow}/releases/{id}/clearance",
            post(releases::clear),
        )
        .route(
            "/workflows/{workflow}/releases/{id}/excuse",
            post(releases::excuse),
        )
        .route(
            "/workflows/{workflow}/releases/{id}/promotion",
            post(releases::promote),
        )
        .route(
            "/workflows/{workflow}/releases/{id}/withdrawal",
            post(releases::withdraw),
        )
}

/// Money and time.
fn console_money() -> Router<App> {
    use console::{adoption, capacity, costs, drift, exit, files, scorecard, value, weekly};
    Router::new()
        .route(
            "/workflows/{workflow}/capacity",
            get(capacity::page).post(capacity::declare),
        )
        .route(
            "/workflows/{workflow}/drift",
            get(drift::page).post(drift::freeze),
        )
        .route("/workflows/{workflow}/drift.csv", get(drift::file))
        .route("/workflows/{workflow}/drift.json", get(drift::json))
        .route("/workflows/{workflow}/drift/calibration", post(drift::rely))
        .route(
            "/workflows/{workflow}/drift/calibration.csv",
            get(drift::calibration_file),
        )
        .route(
            "/workflows/{workflow}/drift/calibration.json",
            get(drift::calibration_json),
        )
        .route(
            "/workflows/{workflow}/drift/findings/{number}/closing",
            post(drift::close),
        )
        .route("/workflows/{workflow}/adoption", get(adoption::page))
        .route("/workflows/{workflow}/adoption.csv", get(adoption::file))
        .route("/workflows/{workflow}/adoption.json", get(adoption::json))
        .route("/workflows/{workflow}/capacity.csv", get(capacity::file))
        .route("/workflows/{workflow}/capacity.json", get(capacity::json))
        .route("/workflows/{workflow}/capacity/ease", post(capacity::ease))
        .route("/workflows/{workflow}/value", get(value::page))
        .route("/workflows/{workflow}/value.csv", get(files::value_csv))
        .route("/workflows/{workflow}/value.json", get(files::value_json))
        .route(
            "/workflows/{workflow}/turnover.csv",
            get(files::turnover_csv),
        )
        .route("/workflows/{workflow}/friday.csv", get(files::friday_csv))
        .route(
            "/workflows/{workflow}/postmortem.csv",
            get(files::postmortem_csv),
        )
        .route("/workflows/{workflow}/costs/exit.csv", get(files::exit_csv))
        .route(
            "/workflows/{workflow}/costs/forecast.csv",
            get(files::forecast_csv),
        )
        .route("/workflows/{workflow}/scorecard", get(scorecard::page))
        .route("/workflows/{workflow}/scorecard.csv", get(scorecard::file))
        .route("/workflows/{workflow}/scorecard.json", get(scorecard::json))
        .route(
            "/workflows/{workflow}/weekly",
            get(weekly::page).post(weekly::sign),
        )
        .route("/workflows/{workflow}/weekly.csv", get(files::week_csv))
        .route("/workflows/{workflow}/weekly.json", get(files::week_json))
        .route(
            "/workflows/{workflow}/costs",
            get(costs::page).post(costs::enter),
        )
        .route("/workflows/{workflow}/costs.csv", get(files::costs_csv))
        .route("/workflows/{workflow}/costs.json", get(files::costs_json))
        .route(
            "/workflows/{workflow}/costs/{id}/reversal",
            post(costs::reverse),
        )
        .route("/workflows/{workflow}/costs/exit", post(exit::estimate))
        .route("/workflows/{workflow}/costs/exit.json", get(exit::json))
        .route("/workflows/{workflow}/baseline", post(costs::baseline))
        .route("/workflows/{workflow}/spend-limit", post(costs::limit))
}

/// Policies, and what is owed since one changed.
fn console_policies() -> Router<App> {
    use console::duties;
    Router::new()
        .route("/policies", get(duties::list).post(duties::changed))
        .route("/duties/{id}", get(duties::one))
        .route("/duties/{id}/answer", post(duties::answer))
}

/// The description of the API alone.
#[cfg(test)]
pub(crate) fn description() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}

/// Machines get a problem document, people a page.
fn refuse(path: &str, problem: Problem) -> Response {
    if path.starts_with("/api/") {
        ApiError(problem).into_response()
    } else {
        PageError::Refused(problem).into_response()
    }
}

async fn nothing(request: Request) -> Response {
    let path = request.uri().path();
    refuse(
        path,
        Problem::new("not_found", format!("there is nothing at {path}")),
    )
}

async fn wrong_method(request: Request) -> Response {
    let path = request.uri().path();
    refuse(
        path,
        Problem::new(
            "method_not_allowed",
            format!("{} is not possible at {path}", request.method()),
        ),
    )
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError(Problem::new(
        "internal",
        "this request ended badly; the log has the details",
    ))
    .into_response()
}
