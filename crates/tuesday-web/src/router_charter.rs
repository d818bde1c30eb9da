//! The addresses of what a workflow may be called and of what is tried out for it: charter, practice, pilot, tests.

use axum::Router;
use axum::routing::{get, post};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{candidates, charter, first_shift, friday, pilot, practice, training, turnover};
use crate::console;
use crate::state::App;

/// Over the API.
pub(crate) fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(candidates::list))
        .routes(routes!(
            candidates::show,
            candidates::answer,
            candidates::drop_one
        ))
        .routes(routes!(candidates::carry))
        .routes(routes!(practice::show, practice::answer))
        .routes(routes!(training::show))
        .routes(routes!(charter::answer_sign))
        .routes(routes!(pilot::show))
        .routes(routes!(pilot::say))
        .routes(routes!(first_shift::show, first_shift::start))
        .routes(routes!(first_shift::answer))
        .routes(routes!(friday::show, friday::start))
        .routes(routes!(friday::answer))
        .routes(routes!(turnover::show, turnover::start))
        .routes(routes!(turnover::sign))
        .routes(routes!(turnover::call_off))
}

/// What workflows may be called, and by what.
pub(crate) fn pages() -> Router<App> {
    Router::new()
        .route("/hub", get(console::hub::page))
        .route("/hub.csv", get(console::files::hub_csv))
        .route("/hub.json", get(console::files::hub_json))
        .route(
            "/readiness",
            get(console::readiness::page).post(console::readiness::propose),
        )
        .route("/readiness.csv", get(console::files::readiness_csv))
        .route("/readiness.json", get(console::files::readiness_json))
        .route(
            "/readiness/{name}",
            get(console::quiz::page).post(console::quiz::save),
        )
        .route("/readiness/{name}/{verb}", post(console::quiz::act))
        .route(
            "/workflows/{workflow}/charter.csv",
            get(console::files::charter_csv),
        )
        .route(
            "/workflows/{workflow}/charter.json",
            get(console::files::charter_json),
        )
        .route("/workflows/{workflow}/charter", get(console::charter::page))
        .route(
            "/workflows/{workflow}/charter/{verb}",
            post(console::charter::act),
        )
        .route(
            "/workflows/{workflow}/practice",
            get(console::practice::page).post(console::practice::answer),
        )
        .route(
            "/workflows/{workflow}/training",
            get(console::training::page),
        )
        .route("/handoffs", get(console::handoffs::page))
        .route("/follow-ups/{id}/end", post(console::handoffs::end))
        .route(
            "/workflows/{workflow}/postmortem",
            get(console::postmortem::page),
        )
        .route(
            "/workflows/{workflow}/postmortem/{verb}",
            post(console::postmortem::act),
        )
        .route(
            "/workflows/{workflow}/pilot",
            get(console::pilot::page).post(console::pilot::say),
        )
        .route("/workflows/{workflow}/pilot.csv", get(console::pilot::file))
        .route(
            "/workflows/{workflow}/first-shift",
            get(console::first_shift::page),
        )
        .route(
            "/workflows/{workflow}/first-shift/{verb}",
            post(console::first_shift::act),
        )
        .route("/workflows/{workflow}/friday", get(console::friday::page))
        .route(
            "/workflows/{workflow}/friday/{verb}",
            post(console::friday::act),
        )
        .route(
            "/workflows/{workflow}/turnover",
            get(console::turnover::page),
        )
        .route(
            "/workflows/{workflow}/turnover/{verb}",
            post(console::turnover::act),
        )
}
