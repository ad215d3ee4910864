//! `/api/v1/trunks`

use api::{ErrorBody, ErrorCode, EventKind, TestCall, Trunk};
use axum::{extract::State, http::StatusCode};
use domain::{
    AttemptId, PhoneNumber, TrunkId,
    calibration::{Calibration, CalibrationError, Condition},
    decode::Profile,
};
use store::{CompanyDirectory, StoreError, Versioned};

use super::{
    App, Signed,
    app::random,
    error::ApiError,
    json::{Json, Path},
    resources,
    texts::Phrase,
};

/// The company's trunks, in order of trying, with what was learnt of them.
#[utoipa::path(get, path = "/trunks", tag = "trunks", responses(
    (status = 200, body = [Trunk]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn trunks(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Trunk>>, ApiError> {
    Ok(Json(resources::trunks(
        signed.company()?,
        app.live.as_ref(),
    )))
}

/// Begins to learn what a trunk's answers mean: three test calls follow. What was
/// learnt before is used until the new is.
#[utoipa::path(post, path = "/trunks/{id}/calibration", tag = "trunks", params(("id" = String, Path)), responses(
    (status = 201, body = Trunk),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`test_call_under_way`"),
))]
pub(super) async fn begin_calibration(
    State(app): State<App>,
    signed: Signed,
    Path(trunk): Path<TrunkId>,
) -> Result<(StatusCode, Json<Trunk>), ApiError> {
    let directory = administered(&signed, trunk)?;
    let (company, now) = (signed.company_id(), app.now());
    let fresh = Calibration::new(trunk, company, now);
    let row = match app.store.calibration(company, trunk).await {
        Ok(row) if row.value.calling().is_some() => {
            return Err(ApiError::new(ErrorCode::TestCallUnderWay));
        }
        Ok(row) => Versioned {
            version: row.version,
            value: fresh,
        },
        Err(StoreError::NotFound { .. }) => Versioned::new(fresh),
        Err(error) => return Err(error.into()),
    };
    let shown = save(&app, directory, row).await?;
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Calls a phone of which something is known: it is off, busy, or nobody answers.
///
/// Answers once the wish is on record; what comes of the call arrives as an event.
#[utoipa::path(post, path = "/trunks/{id}/calibration/calls", tag = "trunks", params(("id" = String, Path)), request_body = TestCall, responses(
    (status = 202, body = Trunk),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`: no such trunk, or no calibration has begun"),
    (status = 409, body = ErrorBody, description = "`test_call_under_way`"),
    (status = 422, body = ErrorBody, description = "`bad_number`, `number_wants_no_calls`"),
))]
pub(super) async fn test_call(
    State(app): State<App>,
    signed: Signed,
    Path(trunk): Path<TrunkId>,
    Json(request): Json<TestCall>,
) -> Result<(StatusCode, Json<Trunk>), ApiError> {
    let directory = administered(&signed, trunk)?;
    let number = PhoneNumber::parse(&request.number)
        .map_err(|error| ApiError::bad_number("number", &request.number, &error))?;
    if !directory.may_call(&number) {
        return Err(ApiError::new(ErrorCode::NumberWantsNoCalls).at("number"));
    }
    let now = app.now();
    let mut row = app.store.calibration(signed.company_id(), trunk).await?;
    let call = AttemptId::new(now, random());
    row.value.call(request.condition, number, call, now)?;
    let shown = save(&app, directory, row).await?;
    Ok((StatusCode::ACCEPTED, Json(shown)))
}

/// Uses what the three calls have taught: from now on it counts before the cause and the code.
#[utoipa::path(post, path = "/trunks/{id}/calibration/use", tag = "trunks", params(("id" = String, Path)), responses(
    (status = 200, body = Trunk),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`calibration_incomplete`, `answers_look_alike`, `test_call_under_way`"),
))]
pub(super) async fn use_calibration(
    State(app): State<App>,
    signed: Signed,
    Path(trunk): Path<TrunkId>,
) -> Result<Json<Trunk>, ApiError> {
    let directory = administered(&signed, trunk)?;
    let row = app.store.calibration(signed.company_id(), trunk).await?;
    if row.value.calling().is_some() {
        return Err(ApiError::new(ErrorCode::TestCallUnderWay));
    }
    let profile = row.value.profile()?;
    read_by(&app, directory, trunk, &profile).await.map(Json)
}

/// Drops the test calls made so far.
#[utoipa::path(delete, path = "/trunks/{id}/calibration", tag = "trunks", params(("id" = String, Path)), responses(
    (status = 200, body = Trunk),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn drop_calibration(
    State(app): State<App>,
    signed: Signed,
    Path(trunk): Path<TrunkId>,
) -> Result<Json<Trunk>, ApiError> {
    let directory = administered(&signed, trunk)?;
    let mut changed = directory.clone();
    changed.calibrations.remove(&trunk);
    let (event, shown) = told(&app, &changed, trunk)?;
    app.store
        .drop_calibration(signed.company_id(), trunk, &event, app.now())
        .await?;
    app.changed(signed.company_id());
    Ok(Json(shown))
}

/// Forgets what was learnt: the trunk's answers mean what they usually mean.
#[utoipa::path(delete, path = "/trunks/{id}/learnt", tag = "trunks", params(("id" = String, Path)), responses(
    (status = 200, body = Trunk),
    (status = 403, body = ErrorBody, description = "`not_allowed`: for administrators"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn forget_learnt(
    State(app): State<App>,
    signed: Signed,
    Path(trunk): Path<TrunkId>,
) -> Result<Json<Trunk>, ApiError> {
    let directory = administered(&signed, trunk)?;
    read_by(&app, directory, trunk, &Profile::default())
        .await
        .map(Json)
}

fn administered(signed: &Signed, trunk: TrunkId) -> Result<&CompanyDirectory, ApiError> {
    let directory = signed.company()?;
    if directory.trunks.iter().all(|known| known.id != trunk) {
        return Err(ApiError::not_found("trunk"));
    }
    signed.must_be_administrator()?;
    Ok(directory)
}

async fn save(
    app: &App,
    directory: &CompanyDirectory,
    row: Versioned<Calibration>,
) -> Result<Trunk, ApiError> {
    let trunk = row.value.trunk;
    let mut changed = directory.clone();
    changed.calibrations.insert(trunk, row.value.clone());
    let (event, shown) = told(app, &changed, trunk)?;
    match app.store.save_calibration(&row, &event, app.now()).await {
        // Another call began, or ended, at the same moment.
        Err(StoreError::Stale { .. }) => Err(ApiError::new(ErrorCode::TestCallUnderWay)),
        saved => {
            saved?;
            app.changed(directory.company.id);
            Ok(shown)
        }
    }
}

async fn read_by(
    app: &App,
    directory: &CompanyDirectory,
    trunk: TrunkId,
    profile: &Profile,
) -> Result<Trunk, ApiError> {
    let mut changed = directory.clone();
    changed.calibrations.remove(&trunk);
    for known in changed.trunks.iter_mut().filter(|known| known.id == trunk) {
        known.profile = profile.clone();
    }
    let (event, shown) = told(app, &changed, trunk)?;
    let company = directory.company.id;
    app.store
        .save_profile(company, trunk, profile, &event, app.now())
        .await?;
    app.changed(company);
    Ok(shown)
}

/// The event that tells of a trunk, and the trunk.
fn told(
    app: &App,
    directory: &CompanyDirectory,
    trunk: TrunkId,
) -> Result<(String, Trunk), ApiError> {
    let company = resources::company(directory, app.live.as_ref());
    let shown = company.trunks.iter().find(|shown| shown.id == trunk);
    let shown = shown.cloned().ok_or_else(|| ApiError::not_found("trunk"))?;
    Ok((resources::event(&EventKind::Company(company)), shown))
}

impl From<CalibrationError> for ApiError {
    fn from(error: CalibrationError) -> Self {
        let of = |condition| {
            Phrase::new(match condition {
                Condition::Off => "conditions.off",
                Condition::Busy => "conditions.busy",
                Condition::Unanswered => "conditions.unanswered",
            })
        };
        match error {
            CalibrationError::Calling => Self::new(ErrorCode::TestCallUnderWay),
            CalibrationError::Missing(condition) => {
                Self::new(ErrorCode::CalibrationIncomplete).with_phrase("condition", of(condition))
            }
            CalibrationError::Ambiguous(one, other) => Self::new(ErrorCode::AnswersLookAlike)
                .with_phrase("one", of(one))
                .with_phrase("other", of(other)),
        }
    }
}
