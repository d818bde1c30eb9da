//! Everything about the way back that can be wrong, each refused; a provider that the test plays.

use std::sync::{Arc, Mutex};

use axum::http::{HeaderMap, HeaderValue, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::url::Url;
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tuesday_domain::port::Secrets;
use tuesday_domain::problem::Problem;

use super::super::walk::{URL, Walk};
use super::{Back, Known, Oidc};
use crate::WebConfig;
use crate::config::{IdentityAnswer, IdentityProvider, IdentityReply, OidcSettings, RequiredClaim};

const ISSUER: &str = "https://id.example";

struct Kept;

impl Secrets for Kept {
    fn resolve(&self, reference: &str) -> Result<Vec<u8>, String> {
        match reference {
            "env:SECRET" => Ok(b"s3cret/+".to_vec()),
            other => Err(format!("secret `{other}`: the variable is not set")),
        }
    }
}

fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
    der.extend([seed; 32]);
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    );
    let id = JsonWebKeyId::new(format!("k{seed}"));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(id)).unwrap()
}

/// What the provider does next.
struct Script {
    /// The key it publishes.
    seed: u8,
    down: bool,
    /// What the token address answers.
    token: Value,
    userinfo: Value,
    /// The last request at the token address: its form and its authorization.
    asked: (String, String),
}

type World = Arc<Mutex<Script>>;

fn world() -> World {
    Arc::new(Mutex::new(Script {
        seed: 1,
        down: false,
        token: Value::Null,
        userinfo: Value::Null,
        asked: Default::default(),
    }))
}

fn reply(script: &mut Script, request: &Request<Vec<u8>>) -> Result<IdentityReply, String> {
    if script.down {
        return Err("connection refused".to_owned());
    }
    let body = match request.uri().path() {
        "/.well-known/openid-configuration" => json!({
            "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/auth"),
            "token_endpoint": format!("{ISSUER}/token"), "jwks_uri": format!("{ISSUER}/jwks"),
            "userinfo_endpoint": format!("{ISSUER}/me"), "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        }),
        "/jwks" => json!({"keys": [key(script.seed).as_verification_key()]}),
        "/me" => script.userinfo.clone(),
        "/token" => {
            let form = String::from_utf8(request.body().clone()).unwrap();
            let basic = request.headers().get(header::AUTHORIZATION);
            let basic = basic.map(|v| v.to_str().unwrap().to_owned());
            script.asked = (form, basic.unwrap_or_default());
            script.token.clone()
        }
        other => panic!("{other}"),
    };
    Ok(IdentityReply {
        status: 200,
        body: serde_json::to_vec(&body).unwrap(),
    })
}

fn settings() -> OidcSettings {
    OidcSettings {
        name: "Example Ltd".into(),
        issuer: ISSUER.into(),
        client_id: "tuesday".into(),
        client_secret: Some("env:SECRET".into()),
        email_domains: Vec::new(),
        required_claim: None,
        acr: Vec::new(),
        amr: Vec::new(),
    }
}

fn oidc(world: &World, settings: OidcSettings) -> Oidc {
    let world = Arc::clone(world);
    let send = Arc::new(move |request: Request<Vec<u8>>| -> IdentityAnswer {
        let answer = reply(&mut world.lock().unwrap(), &request);
        Box::pin(async move { answer })
    });
    let provider = IdentityProvider::new(settings, send, Arc::new(Kept)).unwrap();
    Oidc::new(provider, URL)
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(value).unwrap())
}

fn signed(claims: &Value, seed: u8) -> String {
    let head = json!({"alg": "EdDSA", "kid": format!("k{seed}")});
    let text = format!("{}.{}", part(&head), part(claims));
    let signature = key(seed)
        .sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes())
        .unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Makes a token of claims.
type Make = fn(&Value) -> String;

/// A flow that has begun: what the browser holds.
struct Begun {
    state: String,
    nonce: String,
    challenge: String,
    headers: HeaderMap,
}

async fn begun(walk: &Walk, oidc: &Oidc) -> Begun {
    let config = WebConfig::new(URL);
    let begun = oidc.begin(&walk.engine, &config, None, "192.0.2.1").await;
    let begun = begun.unwrap();
    let url = Url::parse(&begun.to).unwrap();
    let get = |name: &str| {
        let found = url.query_pairs().find(|(n, _)| n == name);
        found.unwrap_or_else(|| panic!("no {name}")).1.into_owned()
    };
    assert_eq!(get("code_challenge_method"), "S256");
    assert_eq!(get("redirect_uri"), format!("{URL}/sign-in/oidc/callback"));
    let cookie = begun.cookie.to_str().unwrap();
    assert!(cookie.starts_with("__Host-tuesday_flow=") && cookie.contains("; Secure"));
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    let mut headers = HeaderMap::new();
    let pair = cookie.split(';').next().unwrap();
    headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
    Begun {
        state: get("state"),
        nonce: get("nonce"),
        challenge: get("code_challenge"),
        headers,
    }
}

fn claims(walk: &Walk, nonce: &str) -> Value {
    let now = walk.engine.now().micros() / 1_000_000;
    json!({"iss": ISSUER, "aud": "tuesday", "sub": "s1", "iat": now, "exp": now + 600, "nonce": nonce,
        "auth_time": now, "email": "nils@example.com", "email_verified": true})
}

async fn back(walk: &Walk, oidc: &Oidc, b: &Begun) -> Result<Known, Problem> {
    let back = Back {
        state: Some(b.state.clone()),
        code: Some("the-code".into()),
        ..Back::default()
    };
    let config = WebConfig::new(URL);
    oidc.back(&walk.engine, &config, &b.headers, back, None)
        .await
}

/// One whole flow whose token says what `change` makes of it.
async fn flow(
    walk: &Walk,
    settings: OidcSettings,
    change: impl FnOnce(&mut Value),
) -> Result<Known, Problem> {
    let world = world();
    let oidc = oidc(&world, settings);
    let b = begun(walk, &oidc).await;
    let mut said = claims(walk, &b.nonce);
    change(&mut said);
    world.lock().unwrap().token = json!({"id_token": signed(&said, 1), "access_token": "a"});
    back(walk, &oidc, &b).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_true_answer_names_the_subject_and_proves_the_code_was_ours() {
    let walk = Walk::new().await;
    let world = world();
    let oidc = oidc(&world, settings());
    let b = begun(&walk, &oidc).await;
    let said = claims(&walk, &b.nonce);
    world.lock().unwrap().token = json!({"id_token": signed(&said, 1), "access_token": "a"});
    let known = back(&walk, &oidc, &b).await.unwrap();
    assert_eq!(known.identity.subject, "s1");
    assert_eq!(known.identity.issuer, ISSUER);
    let email = known.identity.verified_email;
    assert_eq!(email.as_deref(), Some("nils@example.com"));
    let (form, basic) = world.lock().unwrap().asked.clone();
    let verifier = form.split("code_verifier=").nth(1).unwrap();
    let verifier = verifier.split('&').next().unwrap();
    let sum = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    assert_eq!(sum, b.challenge, "the verifier belongs to the challenge");
    let expected = STANDARD.encode("tuesday:s3cret%2F%2B");
    assert_eq!(basic, format!("Basic {expected}"));
    assert!(!form.contains("client_secret"));
    let again = back(&walk, &oidc, &b).await.unwrap_err();
    assert_eq!(again.code, "sign_in_expired", "a flow is good once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_wrong_anywhere_is_refused() {
    let walk = Walk::new().await;
    let wrong: [(&str, Value); 8] = [
        ("iss", json!("https://evil.example")),
        ("aud", json!("somebody-else")),
        ("aud", json!(["tuesday", "somebody-else"])),
        ("exp", json!(1_700_000_000)),
        ("nonce", json!("another")),
        ("nonce", Value::Null),
        ("exp", Value::Null),
        ("sub", Value::Null),
    ];
    for (name, value) in wrong {
        let told = format!("{name} {value}");
        let refused = flow(&walk, settings(), |c| {
            if value.is_null() {
                c.as_object_mut().unwrap().remove(name);
            } else {
                c[name] = value;
            }
        });
        assert_eq!(
            refused.await.unwrap_err().code,
            "identity_refused",
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_the_providers_own_or_none_counts() {
    let walk = Walk::new().await;
    let make: [(&str, Make); 4] = [
        ("tampered", |c| {
            let mut changed = c.clone();
            changed["email"] = json!("admin@example.com");
            let true_one = signed(c, 1);
            let mut parts: Vec<&str> = true_one.split('.').collect();
            let payload = part(&changed);
            parts[1] = &payload;
            parts.join(".")
        }),
        ("without a signature", |c| {
            format!("{}.{}.", part(&json!({"alg": "none"})), part(c))
        }),
        ("another's key", |c| signed(c, 2)),
        ("another's key under our name", |c| {
            let theirs = signed(c, 2);
            let head = part(&json!({"alg": "EdDSA", "kid": "k1"}));
            let rest = theirs.split_once('.').unwrap().1;
            format!("{head}.{rest}")
        }),
    ];
    for (told, token) in make {
        let world = world();
        let oidc = oidc(&world, settings());
        let b = begun(&walk, &oidc).await;
        let text = token(&claims(&walk, &b.nonce));
        world.lock().unwrap().token = json!({"id_token": text});
        let refused = back(&walk, &oidc, &b).await.unwrap_err();
        assert_eq!(refused.code, "identity_refused", "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_read_when_a_token_names_it() {
    let walk = Walk::new().await;
    let world = world();
    let oidc = oidc(&world, settings());
    let b = begun(&walk, &oidc).await;
    let text = signed(&claims(&walk, &b.nonce), 3);
    {
        let mut script = world.lock().unwrap();
        script.seed = 3;
        script.token = json!({"id_token": text});
    }
    assert_eq!(back(&walk, &oidc, &b).await.unwrap().identity.subject, "s1");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_settings_ask_for_is_asked_of_the_signed_token() {
    let walk = Walk::new().await;
    let strict = OidcSettings {
        email_domains: vec!["example.com".into()],
        required_claim: Some(RequiredClaim {
            name: "groups".into(),
            value: "claims".into(),
        }),
        acr: vec!["gold".into()],
        amr: vec!["mfa".into()],
        ..settings()
    };
    let full = |c: &mut Value| {
        c["groups"] = json!(["a", "claims"]);
        c["acr"] = json!("gold");
        c["amr"] = json!(["pwd", "mfa"]);
    };
    flow(&walk, strict.clone(), full).await.unwrap();
    for (name, value) in [
        ("groups", json!(["a"])),
        ("acr", json!("silver")),
        ("amr", json!(["pwd"])),
        ("email", json!("nils@elsewhere.example")),
        ("email", json!("nils@example.com.evil.example")),
        ("email_verified", json!(false)),
        ("email_verified", json!("true")),
    ] {
        let told = format!("{name} {value}");
        let refused = flow(&walk, strict.clone(), |c| {
            full(c);
            c[name] = value;
        });
        assert_eq!(
            refused.await.unwrap_err().code,
            "identity_refused",
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_fills_gaps_about_the_same_subject_and_replaces_nothing() {
    let walk = Walk::new().await;
    for (sub, ok) in [("s1", true), ("s2", false)] {
        let world = world();
        let oidc = oidc(&world, settings());
        let b = begun(&walk, &oidc).await;
        let mut said = claims(&walk, &b.nonce);
        said.as_object_mut().unwrap().remove("email_verified");
        {
            let mut script = world.lock().unwrap();
            script.token = json!({"id_token": signed(&said, 1), "access_token": "a"});
            script.userinfo =
                json!({"sub": sub, "email": "admin@example.com", "email_verified": true});
        }
        match back(&walk, &oidc, &b).await {
            Ok(known) => {
                assert!(ok);
                let email = known.identity.verified_email;
                assert_eq!(email.as_deref(), Some("nils@example.com"));
            }
            Err(e) => assert!(!ok && e.code == "identity_refused", "{e}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_belongs_to_one_browser_one_purpose_and_ten_minutes() {
    let walk = Walk::new().await;
    let world = world();
    let oidc = oidc(&world, settings());
    let mut b = begun(&walk, &oidc).await;
    b.headers.clear();
    let refused = back(&walk, &oidc, &b).await.unwrap_err();
    assert_eq!(refused.code, "identity_refused", "no cookie");
    let b = begun(&walk, &oidc).await;
    let config = WebConfig::new(URL);
    let other_purpose = Back {
        state: Some(b.state.replace("e.", "c.")),
        code: Some("x".into()),
        ..Back::default()
    };
    let refused = oidc
        .back(
            &walk.engine,
            &config,
            &b.headers,
            other_purpose,
            Some("ada"),
        )
        .await
        .unwrap_err();
    assert_eq!(refused.code, "sign_in_expired");
    let denied = Back {
        state: Some(b.state.clone()),
        error: Some("access_denied".into()),
        ..Back::default()
    };
    let refused = oidc
        .back(&walk.engine, &config, &b.headers, denied, None)
        .await
        .unwrap_err();
    assert!(refused.detail.contains("access_denied"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_or_a_missing_secret_says_so_and_tells_no_secret() {
    let walk = Walk::new().await;
    let world = world();
    world.lock().unwrap().down = true;
    let config = WebConfig::new(URL);
    let down = oidc(&world, settings());
    let refused = down.begin(&walk.engine, &config, None, "192.0.2.1").await;
    let refused = refused.unwrap_err();
    assert_eq!(
        (refused.code, refused.status()),
        ("identity_unavailable", 503)
    );
    assert!(refused.way_out.unwrap().contains("password"));
    world.lock().unwrap().down = false;
    let without = oidc(
        &world,
        OidcSettings {
            client_secret: Some("env:GONE".into()),
            ..settings()
        },
    );
    let b = begun(&walk, &without).await;
    let refused = back(&walk, &without, &b).await.unwrap_err();
    assert_eq!(refused.code, "identity_unavailable");
    let pasted = OidcSettings {
        client_secret: Some("s3cret".into()),
        ..settings()
    };
    let send = Arc::new(|_: Request<Vec<u8>>| -> IdentityAnswer {
        Box::pin(async { Err(String::new()) })
    });
    let refused = IdentityProvider::new(pasted, send, Arc::new(Kept)).unwrap_err();
    assert_eq!(refused.code, "plaintext_secret");
    assert!(!refused.to_string().contains("s3cret"));
}
