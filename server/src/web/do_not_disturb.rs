//! `/api/v1/people/{id}/do-not-disturb`

use api::{DoNotDisturb, ErrorBody, ErrorCode};
use axum::{extract::State, http::StatusCode};
use domain::{EmployeeId, Millis};

use super::{
    App, Signed,
    error::ApiError,
    json::{Json, Path},
};

/// Sets or lifts "do not disturb": for oneself, or as an administrator for anybody.
///
/// Colleagues' calls are refused, meetings wait, and the board and desk phones
/// show it. The organiser may call all the same, by hand.
#[utoipa::path(put, path = "/people/{id}/do-not-disturb", tag = "people",
    params(("id" = EmployeeId, Path, description = "The person")),
    request_body = DoNotDisturb,
    responses(
        (status = 204, description = "Done; the person's event follows"),
        (status = 403, body = ErrorBody, description = "`not_allowed`: somebody else, and no administrator"),
        (status = 404, body = ErrorBody, description = "`not_found`"),
        (status = 422, body = ErrorBody, description = "`until_is_over`"),
    )
)]
pub(super) async fn set(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<EmployeeId>,
    Json(wish): Json<DoNotDisturb>,
) -> Result<StatusCode, ApiError> {
    let directory = signed.company()?;
    if directory.employee(id).is_none() {
        return Err(ApiError::not_found("person"));
    }
    if signed.employee()?.id != id {
        signed.must_be_administrator()?;
    }
    let until = wish.until_at.map(Millis);
    if wish.on && until.is_some_and(|until| until <= app.now()) {
        return Err(ApiError::new(ErrorCode::UntilIsOver).at("until_at"));
    }
    app.store
        .set_do_not_disturb(signed.company_id(), id, wish.on.then_some(until))
        .await?;
    app.changed(signed.company_id());
    Ok(StatusCode::NO_CONTENT)
}
