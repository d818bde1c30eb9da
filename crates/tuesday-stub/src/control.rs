//! The control paths, which begin with `/_`: ledgers, scripts, model answers, seeds, the clock.

use hyper::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fault::StubError;
use crate::http::{Call, Reply};
use crate::model::ModelRule;
use crate::script::Script;
use crate::system::Profile;
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    /// RFC 3339; `null` follows the machine again.
    now: Option<Timestamp>,
}

/// Answers a control request; `segments` is the path in parts.
pub(crate) fn answer(world: &World, call: &Call, segments: &[&str]) -> Reply {
    match (&call.method, segments) {
        (&Method::GET, ["_health"]) => Reply::json(200, &json!({ "status": "ready" })),
        (&Method::GET, ["_ledger"]) => Reply::json(200, &world.ledger_counts()),
        (&Method::DELETE, ["_ledger"]) => done(|| world.clear_ledgers()),
        (&Method::GET, ["_ledger", "model"]) => models(world),
        (&Method::GET, ["_ledger", system]) => Reply::json(200, &world.entries(system)),
        (&Method::GET, ["_script"]) => Reply::json(200, &world.scripts().list()),
        (&Method::POST, ["_script"]) => each(call, |script: Script| world.script(script)),
        (&Method::DELETE, ["_script"]) => done(|| world.clear_scripts()),
        (&Method::POST, ["_model"]) => each(call, |rule: ModelRule| world.answer(rule)),
        (&Method::DELETE, ["_model"]) => done(|| world.clear_answers()),
        (&Method::POST, ["_seed"]) => each(call, |seed: Value| match seed {
            // `each` takes lists apart, and a seed is never one.
            seed @ Value::Object(_) => world.seed(&seed, world.now()),
            _ => Err(StubError::Seed("not a JSON object".to_owned())),
        }),
        (&Method::POST, ["_clock"]) => each(call, |clock: SetClock| {
            world.set_clock(clock.now);
            Ok(())
        }),
        (&Method::POST, ["_profile", system]) => each(call, |profile: Profile| {
            world.profile(system, profile);
            Ok(())
        }),
        (&Method::DELETE, ["_keys", system]) => done(|| world.expire_keys(system)),
        _ => Reply::problem(
            404,
            "no_such_address",
            "no such control path, or not with this method",
        ),
    }
}

fn models(world: &World) -> Reply {
    let calls = world.entries("model");
    let providers = world.models().counts();
    Reply::json(
        200,
        &json!({ "providers": providers, "runs": world.models().runs(), "calls": calls }),
    )
}

fn done(act: impl FnOnce()) -> Reply {
    act();
    Reply::bytes(204, "application/json", "")
}

/// Carries out the order in the body, or each of a list of them.
fn each<T: DeserializeOwned>(
    call: &Call,
    mut act: impl FnMut(T) -> Result<(), StubError>,
) -> Reply {
    let is_list = call.body.trim_ascii_start().starts_with(b"[");
    let orders = if is_list {
        serde_json::from_slice::<Vec<T>>(&call.body)
    } else {
        serde_json::from_slice::<T>(&call.body).map(|order| vec![order])
    };
    let orders = match orders {
        Ok(orders) => orders,
        Err(error) => return Reply::problem(422, "bad_order", &error.to_string()),
    };
    for order in orders {
        if let Err(error) = act(order) {
            return Reply::problem(422, "bad_order", &error.to_string());
        }
    }
    done(|| ())
}
