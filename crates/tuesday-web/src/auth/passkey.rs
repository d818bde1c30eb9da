//! Passkeys (WebAuthn): what is asked of a browser, and whether what it answers proves anything.
//!
//! The challenge and its state lie in the database, so that any node can judge the answer, once.
//! User verification is always required: the device has checked a finger, a face or a PIN, and that
//! is why a passkey alone counts as two factors.

use serde::Serialize;
use serde_json::{Value, json};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::CeremonyKind;
use tuesday_engine::Engine;
use tuesday_engine::ops::FoundPasskey;
use webauthn_rs::prelude::{
    AuthenticationResult, CredentialID, DiscoverableAuthentication, Passkey, PasskeyAuthentication,
    PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid, Webauthn,
    WebauthnBuilder, WebauthnError,
};

use crate::config::WebConfig;

/// Passkeys under the instance's public address, or why there are none.
pub(crate) struct Passkeys(Result<Webauthn, String>);

/// What the script hands to the browser.
#[derive(Serialize)]
pub(crate) struct Challenge {
    ceremony: String,
    options: Value,
}

/// The browser binds a passkey to a host name, and offers none without TLS except on this machine.
fn relying(public_url: &str) -> Result<Webauthn, String> {
    let url = Url::parse(public_url).map_err(|e| format!("{public_url} is no address: {e}"))?;
    let Some(domain) = url.domain() else {
        return Err(format!(
            "{public_url} is a numeric address; a passkey belongs to a host name"
        ));
    };
    let local = domain == "localhost" || domain.ends_with(".localhost");
    if url.scheme() != "https" && !(url.scheme() == "http" && local) {
        return Err(format!(
            "{public_url} is not https; browsers offer passkeys only over https, or on localhost"
        ));
    }
    WebauthnBuilder::new(domain, &url)
        .and_then(|b| b.rp_name("tuesday").build())
        .map_err(|e| format!("{public_url}: {e}"))
}

fn internal(e: &impl std::fmt::Display) -> Problem {
    tracing::error!(error = %e, "a passkey challenge could not be made");
    Problem::new("internal", "the challenge could not be made")
}

fn not_right(why: &str) -> Problem {
    Problem::new("sign_in_refused", why).way_out("try again, or sign in another way")
}

fn parsed<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, Problem> {
    serde_json::from_str(answer).map_err(|_| {
        Problem::new("bad_request", "the browser's answer is no passkey's").field("answer")
    })
}

fn key(found: &FoundPasskey) -> Result<Passkey, Problem> {
    serde_json::from_value(found.kept.key.clone())
        .map_err(|_| Problem::new("record_damaged", "a stored passkey cannot be read"))
}

impl Passkeys {
    pub(crate) fn new(config: &WebConfig) -> Self {
        let found = relying(&config.public_url);
        if let Err(why) = &found {
            tracing::info!(%why, "no passkeys");
        }
        Self(found)
    }

    /// Why there are none, in words.
    pub(crate) fn missing(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }

    fn relying(&self) -> Result<&Webauthn, Problem> {
        self.0.as_ref().map_err(|why| {
            Problem::new("passkeys_unavailable", why.clone())
                .way_out("set public_url in tuesday.toml to the https address people use")
        })
    }

    /// Asks for a new passkey that its device can find by itself later.
    pub(crate) async fn offer(
        &self,
        engine: &Engine,
        person: (&str, &str),
        address: &str,
    ) -> Result<Challenge, Problem> {
        let webauthn = self.relying()?;
        let (handle, name) = person;
        let known: Vec<CredentialID> = engine
            .passkeys(handle)
            .await?
            .iter()
            .map(|p| key(p).map(|k| k.cred_id().clone()))
            .collect::<Result<_, _>>()?;
        let user = Uuid::from_bytes(engine.passkey_user(handle).await?);
        let (options, state) = webauthn
            .start_passkey_registration(user, handle, name, Some(known))
            .map_err(|e| internal(&e))?;
        let mut options = serde_json::to_value(options).map_err(|e| internal(&e))?;
        // Nobody types a handle before a passkey is found, so it must be one that can be found.
        if let Some(wanted) = options.pointer_mut("/publicKey/authenticatorSelection") {
            wanted["residentKey"] = json!("required");
            wanted["requireResidentKey"] = json!(true);
        }
        let state = serde_json::to_string(&state).map_err(|e| internal(&e))?;
        let kind = CeremonyKind::PasskeyNew;
        let ceremony = engine
            .begin_ceremony(kind, Some(handle), address, state)
            .await?;
        Ok(Challenge { ceremony, options })
    }

    /// The new passkey's id and key, when the answer is right.
    pub(crate) async fn accept(
        &self,
        engine: &Engine,
        person: &str,
        ceremony: &str,
        answer: &str,
    ) -> Result<(String, Value), Problem> {
        let webauthn = self.relying()?;
        let kind = CeremonyKind::PasskeyNew;
        let taken = engine.take_ceremony(kind, Some(person), ceremony).await?;
        let state: PasskeyRegistration = parsed(&taken.data)?;
        let answer: RegisterPublicKeyCredential = parsed(answer)?;
        let new = webauthn
            .finish_passkey_registration(&answer, &state)
            .map_err(|e| not_right(&format!("the passkey was not accepted: {e}")))?;
        let id = hex::encode(new.cred_id());
        let key = serde_json::to_value(&new).map_err(|e| internal(&e))?;
        Ok((id, key))
    }

    /// Asks whoever is there for any passkey of this instance.
    pub(crate) async fn ask(&self, engine: &Engine, address: &str) -> Result<Challenge, Problem> {
        let (options, state) = self
            .relying()?
            .start_discoverable_authentication()
            .map_err(|e| internal(&e))?;
        let state = serde_json::to_string(&state).map_err(|e| internal(&e))?;
        let kind = CeremonyKind::PasskeyEnter;
        let ceremony = engine.begin_ceremony(kind, None, address, state).await?;
        // Whether the browser waits in the name field or asks at once is the script's choice.
        let mut options = serde_json::to_value(options).map_err(|e| internal(&e))?;
        if let Some(all) = options.as_object_mut() {
            all.remove("mediation");
        }
        Ok(Challenge { ceremony, options })
    }

    /// Asks a person who is signed in for one of their own passkeys.
    pub(crate) async fn ask_again(
        &self,
        engine: &Engine,
        person: &str,
        address: &str,
    ) -> Result<Challenge, Problem> {
        let webauthn = self.relying()?;
        let own = engine.passkeys(person).await?;
        let keys: Vec<Passkey> = own.iter().map(key).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(Problem::new("not_found", "you have no passkey")
                .way_out("add one, or confirm with your password"));
        }
        let (options, state) = webauthn
            .start_passkey_authentication(&keys)
            .map_err(|e| internal(&e))?;
        let options = serde_json::to_value(options).map_err(|e| internal(&e))?;
        let state = serde_json::to_string(&state).map_err(|e| internal(&e))?;
        let kind = CeremonyKind::PasskeyConfirm;
        let ceremony = engine
            .begin_ceremony(kind, Some(person), address, state)
            .await?;
        Ok(Challenge { ceremony, options })
    }

    /// The person behind an answer to [`Passkeys::ask`], or to [`Passkeys::ask_again`] for `person`.
    pub(crate) async fn judge(
        &self,
        engine: &Engine,
        person: Option<&str>,
        ceremony: &str,
        answer: &str,
    ) -> Result<String, Problem> {
        let webauthn = self.relying()?;
        let kind = match person {
            Some(_) => CeremonyKind::PasskeyConfirm,
            None => CeremonyKind::PasskeyEnter,
        };
        let taken = engine.take_ceremony(kind, person, ceremony).await?;
        let answer: PublicKeyCredential = parsed(answer)?;
        let id = hex::encode(answer.get_credential_id());
        let found = engine.passkey(&id).await?;
        let mut key = key(&found)?;
        let judged = match person {
            Some(person) if person != found.row.person => Err(WebauthnError::CredentialNotFound),
            Some(_) => {
                let state: PasskeyAuthentication = parsed(&taken.data)?;
                webauthn.finish_passkey_authentication(&answer, &state)
            }
            None => {
                let user = engine.passkey_user(&found.row.person).await?;
                let state: DiscoverableAuthentication = parsed(&taken.data)?;
                match webauthn.identify_discoverable_authentication(&answer) {
                    Ok((told, _)) if told.as_bytes() == &user => {
                        webauthn.finish_discoverable_authentication_v2(&answer, state, &key)
                    }
                    Ok(_) => Err(WebauthnError::InvalidUserUniqueId),
                    Err(e) => Err(e),
                }
            }
        };
        let result = match judged {
            Ok(result) => result,
            Err(WebauthnError::CredentialPossibleCompromise) => {
                engine.passkey_copied(found).await?;
                return Err(not_right(
                    "this passkey's counter went back, so somebody may have a copy of it",
                )
                .way_out("sign in another way, remove the passkey and add a new one"));
            }
            Err(e) => return Err(not_right(&format!("the passkey was not accepted: {e}"))),
        };
        verified(&result)?;
        key.update_credential(&result);
        let person = found.row.person.clone();
        let key = serde_json::to_value(&key).map_err(|e| internal(&e))?;
        engine.passkey_used(found, key).await?;
        Ok(person)
    }
}

/// The library asks for it already; two factors rest on it, so it is looked at again.
fn verified(result: &AuthenticationResult) -> Result<(), Problem> {
    if result.user_verified() {
        return Ok(());
    }
    Err(not_right("the device did not check who is holding it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passkey_belongs_to_a_host_name_over_tls_or_to_this_machine() {
        for good in [
            "https://tuesday.example",
            "https://tuesday.example:8443",
            "http://localhost:4321",
            "http://tuesday.localhost",
        ] {
            assert!(relying(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://127.0.0.1:4321", "numeric"),
            ("https://192.0.2.1", "numeric"),
            ("https://[::1]", "numeric"),
            ("http://tuesday.example", "not https"),
            ("tuesday.example", "no address"),
        ] {
            let told = relying(bad).err().unwrap_or_default();
            assert!(told.contains(why), "{bad}: {told}");
        }
    }
}
