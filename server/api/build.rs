//! Tells the OpenAPI macros that our ids are UUIDs on the wire.
//!
//! They belong to `domain`, which knows nothing of OpenAPI.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "openapi")]
    ids_are_uuids();
}

#[cfg(feature = "openapi")]
fn ids_are_uuids() {
    let mut config = utoipa_config::Config::new();
    for id in [
        "AttemptId",
        "CompanyId",
        "DeviceId",
        "EmployeeId",
        "InvitationId",
        "MeetingId",
        "MemberId",
        "OccurrenceId",
        "RoomId",
        "TokenId",
        "TrunkId",
        "UserId",
    ] {
        config = config.alias_for(id, "uuid::Uuid");
    }
    config.write_to_file();
}
