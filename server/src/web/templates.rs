//! `/api/v1/templates`

use api::{ErrorBody, ErrorCode, NewParticipant, NewTemplate, Template};
use axum::{
    extract::{State, rejection::StringRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Role, TemplateId, meeting::Invitee, template};
use store::{CompanyDirectory, StoreError};

use super::{
    App, Signed,
    app::random,
    error::ApiError,
    json::{BODY_LIMIT, Json, Path},
    resources, validate,
};

/// Lists larger than this are not read.
const ROWS_MOST: usize = validate::PARTICIPANTS_MOST;

/// The company's templates, by name.
#[utoipa::path(get, path = "/templates", tag = "meetings", responses(
    (status = 200, body = [Template]),
    (status = 401, body = ErrorBody, description = "`not_signed_in`"),
))]
pub(super) async fn templates(
    State(app): State<App>,
    signed: Signed,
) -> Result<Json<Vec<Template>>, ApiError> {
    let directory = signed.company()?;
    let templates = app.store.templates(signed.company_id()).await?;
    let shown = templates
        .iter()
        .map(|template| resources::template(template, directory));
    Ok(Json(shown.collect()))
}

/// Keeps a list of people under a name.
#[utoipa::path(post, path = "/templates", tag = "meetings", request_body = NewTemplate, responses(
    (status = 201, body = Template),
    (status = 409, body = ErrorBody, description = "`template_name_taken`"),
    (status = 422, body = ErrorBody, description = "`empty_name`, `name_too_long`, `bad_number`, `duplicate_participant`, `unknown_employee`, `unknown_room`, `bad_duration`…"),
))]
pub(super) async fn add_template(
    State(app): State<App>,
    signed: Signed,
    Json(request): Json<NewTemplate>,
) -> Result<(StatusCode, Json<Template>), ApiError> {
    let directory = signed.company()?;
    let id = TemplateId::new(app.now(), random());
    let template = read(&request, id, directory)?;
    save(&app, &template).await?;
    let shown = resources::template(&template, directory);
    Ok((StatusCode::CREATED, Json(shown)))
}

/// Changes a template as a whole.
#[utoipa::path(put, path = "/templates/{id}", tag = "meetings", params(("id" = String, Path)), request_body = NewTemplate, responses(
    (status = 200, body = Template),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 409, body = ErrorBody, description = "`template_name_taken`"),
    (status = 422, body = ErrorBody, description = "as for `POST`"),
))]
pub(super) async fn change_template(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<TemplateId>,
    Json(request): Json<NewTemplate>,
) -> Result<Json<Template>, ApiError> {
    let directory = signed.company()?;
    app.store.template(signed.company_id(), id).await?;
    let template = read(&request, id, directory)?;
    save(&app, &template).await?;
    Ok(Json(resources::template(&template, directory)))
}

/// Forgets a template. Meetings made from it stay as they are.
#[utoipa::path(delete, path = "/templates/{id}", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn remove_template(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<TemplateId>,
) -> Result<StatusCode, ApiError> {
    app.store.remove_template(signed.company_id(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A template's list as CSV: name, extension, number, role.
#[utoipa::path(get, path = "/templates/{id}/list.csv", tag = "meetings", params(("id" = String, Path)), responses(
    (status = 200, body = String, content_type = "text/csv"),
    (status = 404, body = ErrorBody, description = "`not_found`"),
))]
pub(super) async fn export_list(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<TemplateId>,
) -> Result<Response, ApiError> {
    let directory = signed.company()?;
    let template = app.store.template(signed.company_id(), id).await?;
    let mut text = "name,extension,number,role\r\n".to_owned();
    for one in &template.participants {
        let (extension, number) = match &one.invitee {
            Invitee::Employee(id) => (
                directory
                    .employee(*id)
                    .map(|employee| employee.extension.to_string())
                    .unwrap_or_default(),
                String::new(),
            ),
            Invitee::Outside { number, .. } => (String::new(), number.to_string()),
        };
        let role = match one.role {
            Role::Moderator => "moderator",
            Role::Speaker => "speaker",
            Role::Listener => "listener",
        };
        let name = validate::shown(&one.invitee, directory);
        text.push_str(&format!(
            "{},{extension},{number},{role}\r\n",
            csv_field(&name)
        ));
    }
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
}

/// Replaces a template's list by that of a CSV: a header that names its columns, then a person a row.
///
/// An `extension` means an employee, else there must be a `number`. `role` may be left out: speaker.
#[utoipa::path(put, path = "/templates/{id}/list.csv", tag = "meetings", params(("id" = String, Path)), request_body(content = String, content_type = "text/csv"), responses(
    (status = 200, body = Template),
    (status = 404, body = ErrorBody, description = "`not_found`"),
    (status = 422, body = ErrorBody, description = "`bad_list`: the field is the row; `bad_number`, `duplicate_participant`, `too_many_participants`"),
))]
pub(super) async fn import_list(
    State(app): State<App>,
    signed: Signed,
    Path(id): Path<TemplateId>,
    text: Result<String, StringRejection>,
) -> Result<Json<Template>, ApiError> {
    let directory = signed.company()?;
    let text = text.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            ApiError::new(ErrorCode::BodyTooLarge).with("limit", BODY_LIMIT / 1024)
        }
        _ => bad(0, "problems.not_text"),
    })?;
    let mut template = app.store.template(signed.company_id(), id).await?;
    let list = people(&text, directory)?;
    template.participants = validate::participants(&list, directory)?;
    save(&app, &template).await?;
    Ok(Json(resources::template(&template, directory)))
}

fn read(
    request: &NewTemplate,
    id: TemplateId,
    directory: &CompanyDirectory,
) -> Result<template::Template, ApiError> {
    Ok(template::Template {
        id,
        company: directory.company.id,
        name: validate::name_of("name", &request.name)?,
        participants: validate::participants(&request.participants, directory)?,
        room: request
            .room_id
            .map(|room| validate::room(room, directory))
            .transpose()?,
        duration_ms: request.duration_min.map(validate::duration).transpose()?,
    })
}

async fn save(app: &App, template: &template::Template) -> Result<(), ApiError> {
    match app.store.save_template(template).await {
        Err(StoreError::Taken(name)) => Err(ApiError::new(ErrorCode::TemplateNameTaken)
            .at("name")
            .with("name", name)),
        saved => Ok(saved?),
    }
}

/// A name that a spreadsheet would take for a formula is put in front of by an apostrophe.
fn csv_field(text: &str) -> String {
    let harmless = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        Some(_) | None => text.to_owned(),
    };
    if harmless.contains(['"', ',', ';', '\n', '\r']) {
        format!("\"{}\"", harmless.replace('"', "\"\""))
    } else {
        harmless
    }
}

fn people(text: &str, directory: &CompanyDirectory) -> Result<Vec<NewParticipant>, ApiError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let separator = if first.contains(';') { ';' } else { ',' };
    let mut rows = records(text, separator).into_iter().enumerate();
    let Some((_, header)) = rows.next() else {
        return Err(bad(0, "problems.empty"));
    };
    let header: Vec<String> = header
        .iter()
        .map(|name| name.trim().to_lowercase())
        .collect();
    if !header
        .iter()
        .any(|name| name == "number" || name == "extension")
    {
        return Err(bad(0, "problems.no_number_column"));
    }
    let mut list = Vec::new();
    for (row, fields) in rows {
        let field = |wanted: &str| {
            let at = header.iter().position(|name| name == wanted)?;
            let text = fields.get(at)?.trim();
            (!text.is_empty()).then_some(text)
        };
        if fields.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        if list.len() == ROWS_MOST {
            return Err(ApiError::new(ErrorCode::TooManyParticipants).with("limit", ROWS_MOST));
        }
        let role = match field("role").map(str::to_lowercase).as_deref() {
            None | Some("speaker") => Role::Speaker,
            Some("moderator") => Role::Moderator,
            Some("listener") => Role::Listener,
            Some(_) => return Err(bad(row, "problems.no_such_role")),
        };
        let employee_id = match field("extension") {
            Some(extension) => Some(
                directory
                    .employees
                    .iter()
                    .find(|employee| employee.extension.as_str() == extension)
                    .ok_or_else(|| bad(row, "problems.no_such_extension"))?
                    .id,
            ),
            None => None,
        };
        let number = field("number")
            .filter(|_| employee_id.is_none())
            .map(str::to_owned);
        if employee_id.is_none() && number.is_none() {
            return Err(bad(row, "problems.neither_extension_nor_number"));
        }
        list.push(NewParticipant {
            employee_id,
            name: field("name")
                .filter(|_| employee_id.is_none())
                .map(|name| name.trim_start_matches('\'').to_owned()),
            number,
            email: None,
            role,
        });
    }
    Ok(list)
}

/// What is wrong with a row, counted from the header's, which is the first.
fn bad(row: usize, problem: &'static str) -> ApiError {
    ApiError::new(ErrorCode::BadList)
        .at(format!("row[{}]", row + 1))
        .with("row", row + 1)
        .with_phrase("problem", super::texts::Phrase::new(problem))
}

/// The fields of each row (RFC 4180), whatever ends the lines.
fn records(text: &str, separator: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => {
                signs.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            _ if quoted => field.push(sign),
            '\r' => {}
            '\n' => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            sign if sign == separator => row.push(std::mem::take(&mut field)),
            sign => field.push(sign),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_spreadsheets_write_them() {
        assert_eq!(
            records("name,number\r\n\"Smith, \"\"Joe\"\"\",+49301\r\nAnna,", ','),
            [
                vec!["name".to_owned(), "number".to_owned()],
                vec!["Smith, \"Joe\"".to_owned(), "+49301".to_owned()],
                vec!["Anna".to_owned(), String::new()],
            ]
        );
    }

    #[test]
    fn a_name_is_never_a_formula() {
        assert_eq!(csv_field("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(csv_field("Anna"), "Anna");
    }
}
