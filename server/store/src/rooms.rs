//! Rooms made or changed by hand, through the API. Those of the company file are written by [`crate::apply`].

use domain::{
    CompanyId, Millis, ShortNumber,
    room::{Room, RoomSettings},
};

use crate::{
    Store, StoreError,
    db::Tx,
    directory, events,
    text::{from_json, to_json},
};

impl Store {
    pub async fn rooms(&self, company: CompanyId) -> Result<Vec<Room>, StoreError> {
        let mut tx = self.read().await?;
        directory::read_rooms(&mut tx, company).await
    }

    /// Adds a room, and answers the number of the event that tells of it.
    ///
    /// # Errors
    /// [`StoreError::Taken`] if the number is already an extension, a short number or a room's.
    pub async fn add_room(&self, room: &Room, event: &str, now: Millis) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        // The company's row makes two who want one number wait for each other.
        let seq = events::append(&mut tx, room.company, now, event).await?;
        if is_dialled(&mut tx, room.company, &room.number).await? {
            return Err(StoreError::Taken(room.number.to_string()));
        }
        sqlx::query(
            "INSERT INTO rooms (id, company_id, number, name, pin, moderator_pin, settings, from_file, position)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 1000000)",
        )
        .bind(room.id.to_string())
        .bind(room.company.to_string())
        .bind(room.number.as_str())
        .bind(&room.name)
        .bind(room.pin.as_ref().map(|pin| pin.reveal()))
        .bind(room.moderator_pin.as_ref().map(|pin| pin.reveal()))
        .bind(to_json(&room.settings))
        .execute(&mut tx)
        .await?;
        sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
            .bind(room.company.to_string())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(seq)
    }

    /// A room behaves otherwise from now on. What else the row says of the room stays, whoever
    /// wrote it last.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the room is gone.
    pub async fn change_settings(
        &self,
        room: &Room,
        change: impl FnOnce(&mut RoomSettings),
        event: &str,
        now: Millis,
    ) -> Result<i64, StoreError> {
        let mut tx = self.write().await?;
        let seq = events::append(&mut tx, room.company, now, event).await?;
        let row: Option<(Option<String>,)> =
            sqlx::query_as("SELECT settings FROM rooms WHERE id = $1 AND company_id = $2")
                .bind(room.id.to_string())
                .bind(room.company.to_string())
                .fetch_optional(&mut tx)
                .await?;
        let (settings,) = row.ok_or_else(|| StoreError::NotFound {
            what: "room",
            id: room.id.to_string(),
        })?;
        let mut settings: RoomSettings = match settings {
            Some(settings) => from_json("rooms", &settings)?,
            None => RoomSettings::default(),
        };
        change(&mut settings);
        sqlx::query("UPDATE rooms SET settings = $1 WHERE id = $2")
            .bind(to_json(&settings))
            .bind(room.id.to_string())
            .execute(&mut tx)
            .await?;
        sqlx::query("UPDATE companies SET revision = revision + 1 WHERE id = $1")
            .bind(room.company.to_string())
            .execute(&mut tx)
            .await?;
        tx.commit().await?;
        Ok(seq)
    }

    /// Every number that is dialled inside the company: extensions, short numbers, rooms.
    pub async fn inside_numbers(&self, company: CompanyId) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT number FROM rooms WHERE company_id = $1
              UNION SELECT extension FROM employees WHERE company_id = $1
              UNION SELECT short_number FROM devices WHERE company_id = $1 AND short_number IS NOT NULL",
        )
        .bind(company.to_string())
        .fetch_all(&self.db)
        .await?;
        Ok(rows.into_iter().map(|(number,)| number).collect())
    }
}

async fn is_dialled(
    connection: &mut Tx,
    company: CompanyId,
    number: &ShortNumber,
) -> Result<bool, StoreError> {
    let (count,): (i64,) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM rooms WHERE company_id = $1 AND number = $2)
              + (SELECT COUNT(*) FROM employees WHERE company_id = $1 AND extension = $2)
              + (SELECT COUNT(*) FROM devices WHERE company_id = $1 AND short_number = $2)",
    )
    .bind(company.to_string())
    .bind(number.as_str())
    .fetch_one(connection)
    .await?;
    Ok(count > 0)
}
