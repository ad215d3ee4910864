//! Meetings: the plans. A plan and its dates are written together.

use domain::{
    CompanyId, MeetingId, Millis, OccurrenceId, RoomId, meeting::Meeting, occurrence::Occurrence,
};

use crate::{
    InvitationRow, Store, StoreError, Versioned,
    db::Tx,
    events, invitations, occurrences,
    text::{from_json, to_json},
};

/// A plan with its dates and who is expected at them, to be written as one.
#[derive(Debug, Clone)]
pub struct Plan {
    pub meeting: Meeting,
    pub occurrences: Vec<Versioned<Occurrence>>,
    pub invitations: Vec<InvitationRow>,
    /// Invitations that are no longer: not one call must have been made for them.
    pub withdrawn: Vec<domain::InvitationId>,
    /// Each the `api` crate's JSON of one event, in order.
    pub events: Vec<String>,
}

/// Who has the room at a time somebody else asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    pub occurrence: Occurrence,
    /// From when the room is free for as long as was asked.
    pub next_free_at: Millis,
}

impl Store {
    /// Writes a plan, new or changed, unless another meeting has the room at one of its times.
    ///
    /// # Errors
    /// [`StoreError::RoomBooked`] by another occurrence, [`StoreError::Stale`]
    /// if one of the rows has been written since it was read.
    pub async fn save_plan(&self, plan: &Plan, now: Millis) -> Result<Vec<i64>, StoreError> {
        let company = plan.meeting.company;
        let mut tx = self.write().await?;
        // Two plans for one room at once: the company's row makes one wait for the other.
        sqlx::query("UPDATE companies SET event_seq = event_seq WHERE id = $1")
            .bind(company.to_string())
            .execute(&mut tx)
            .await?;
        for Versioned {
            value: occurrence, ..
        } in &plan.occurrences
        {
            if occurrences::is_over(occurrence) {
                continue;
            }
            let (from, until) = (occurrence.starts_at, occurrence.ends_at);
            if let Some(by) =
                booked(&mut tx, occurrence.room, from, until, Some(plan.meeting.id)).await?
            {
                return Err(StoreError::RoomBooked { by });
            }
        }
        write(&mut tx, &plan.meeting).await?;
        for occurrence in &plan.occurrences {
            occurrences::write(&mut tx, occurrence).await?;
        }
        for id in &plan.withdrawn {
            invitations::remove(&mut tx, *id).await?;
        }
        for invitation in &plan.invitations {
            invitations::write(&mut tx, invitation).await?;
        }
        let mut numbers = Vec::with_capacity(plan.events.len());
        for body in &plan.events {
            numbers.push(events::append(&mut tx, company, now, body).await?);
        }
        tx.commit().await?;
        Ok(numbers)
    }

    pub async fn meeting(&self, company: CompanyId, id: MeetingId) -> Result<Meeting, StoreError> {
        let row: Option<(String,)> = sqlx::query_as(
            "SELECT body FROM meetings WHERE id = $1 AND company_id = $2 AND removed_at IS NULL",
        )
        .bind(id.to_string())
        .bind(company.to_string())
        .fetch_optional(&self.db)
        .await?;
        let (body,) = row.ok_or_else(|| StoreError::NotFound {
            what: "meeting",
            id: id.to_string(),
        })?;
        from_json("meetings", &body)
    }

    /// All plans of a company, oldest first.
    pub async fn meetings(&self, company: CompanyId) -> Result<Vec<Meeting>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT id, body FROM meetings WHERE company_id = $1 AND removed_at IS NULL ORDER BY id",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(self.sound(rows, |(_, body)| from_json("meetings", &body)))
    }

    /// Takes a plan out of the calendar. Its past dates and their calls stay for the reports.
    ///
    /// `occurrences` are its dates as they now are, called off where they were still to come.
    pub async fn remove_meeting(
        &self,
        meeting: &Meeting,
        occurrences: &[Versioned<Occurrence>],
        events: &[String],
        now: Millis,
    ) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.write().await?;
        let done =
            sqlx::query("UPDATE meetings SET removed_at = $2 WHERE id = $1 AND removed_at IS NULL")
                .bind(meeting.id.to_string())
                .bind(now.0)
                .execute(&mut tx)
                .await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::NotFound {
                what: "meeting",
                id: meeting.id.to_string(),
            });
        }
        for occurrence in occurrences {
            occurrences::write(&mut tx, occurrence).await?;
        }
        let mut numbers = Vec::with_capacity(events.len());
        for body in events {
            numbers.push(events::append(&mut tx, meeting.company, now, body).await?);
        }
        tx.commit().await?;
        Ok(numbers)
    }

    /// Who has the room between two times, and when it is free for that long.
    ///
    /// `but` is a meeting whose own dates do not count.
    pub async fn booking(
        &self,
        company: CompanyId,
        room: RoomId,
        from: Millis,
        until: Millis,
        but: Option<MeetingId>,
    ) -> Result<Option<Booking>, StoreError> {
        let mut tx = self.read().await?;
        let Some(id) = booked(&mut tx, room, from, until, but).await? else {
            return Ok(None);
        };
        let mut start = from;
        while let Some(by) = booked(&mut tx, room, start, start + (until - from), but).await? {
            start = occurrences::read(&mut tx, company, by).await?.value.ends_at;
        }
        let occurrence = occurrences::read(&mut tx, company, id).await?.value;
        Ok(Some(Booking {
            occurrence,
            next_free_at: start,
        }))
    }
}

/// The first occurrence that has the room for some of the time. Gatherings that nobody planned book nothing.
async fn booked(
    connection: &mut Tx,
    room: RoomId,
    from: Millis,
    until: Millis,
    but: Option<MeetingId>,
) -> Result<Option<OccurrenceId>, StoreError> {
    let row: Option<(String,)> = sqlx::query_as(
        "SELECT id FROM occurrences
          WHERE room_id = $1 AND starts_at < $3 AND ends_at > $2 AND meeting_id <> $4
            AND status IN ('scheduled', 'calling', 'live', 'open')
          ORDER BY starts_at, id LIMIT 1",
    )
    .bind(room.to_string())
    .bind(from.0)
    .bind(until.0)
    .bind(but.map_or_else(String::new, |id| id.to_string()))
    .fetch_optional(connection)
    .await?;
    row.map(|(id,)| crate::text::parse("occurrences", &id))
        .transpose()
}

pub(crate) async fn write(connection: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO meetings (id, company_id, body) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    )
    .bind(meeting.id.to_string())
    .bind(meeting.company.to_string())
    .bind(to_json(meeting))
    .execute(connection)
    .await?;
    Ok(())
}
