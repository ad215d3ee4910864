//! Countries whose numbers tell in which of several zones they are, by area code.
//!
//! From the national numbering plans (NANPA, the Russian Ministry's plan, ACMA,
//! Anatel, CNMC, ANACOM; 2026). Codes that are split between zones are left to
//! the last line of their country, which has all zones most of its people live in.

use super::{Area, part};

/// +1: the United States, Canada and the Caribbean.
pub const NORTH_AMERICA: &[Area] = &[
    part(
        &[
            "212", "315", "332", "347", "363", "516", "518", "585", "607", "624", "631", "646",
            "680", "716", "718", "838", "845", "914", "917", "929", "934", "201", "551", "609",
            "640", "732", "848", "856", "862", "908", "973", "215", "223", "267", "272", "412",
            "445", "484", "570", "582", "610", "717", "724", "814", "835", "878", "203", "475",
            "860", "959", "339", "351", "413", "508", "617", "774", "781", "857", "978", "401",
            "603", "802", "207", "302", "227", "240", "301", "410", "443", "667", "202", "771",
            "276", "434", "540", "571", "686", "703", "757", "804", "826", "948", "304", "681",
            "252", "336", "472", "704", "743", "828", "910", "919", "980", "984", "803", "821",
            "839", "843", "854", "864", "229", "404", "470", "478", "678", "706", "762", "770",
            "912", "943", "239", "305", "321", "324", "352", "386", "407", "561", "645", "656",
            "689", "727", "728", "754", "772", "786", "813", "863", "904", "941", "954", "216",
            "220", "234", "283", "326", "330", "380", "419", "436", "440", "513", "567", "614",
            "740", "937", "231", "248", "269", "313", "517", "586", "616", "679", "734", "810",
            "947", "989", "260", "317", "463", "574", "765", "502", "859", "606", "423", "865",
            "226", "249", "289", "343", "365", "382", "416", "437", "519", "548", "613", "647",
            "683", "705", "742", "753", "905", "942", "263", "354", "367", "418", "438", "450",
            "468", "514", "579", "581", "819", "873",
        ],
        &["America/New_York"],
    ),
    part(
        &[
            "217", "224", "309", "312", "331", "447", "464", "618", "630", "708", "730", "773",
            "779", "815", "847", "861", "872", "262", "274", "353", "414", "534", "608", "715",
            "920", "218", "320", "507", "612", "651", "763", "924", "952", "319", "515", "563",
            "641", "712", "235", "314", "417", "557", "573", "636", "660", "816", "975", "327",
            "479", "501", "870", "225", "318", "337", "504", "985", "228", "601", "662", "769",
            "205", "251", "256", "334", "659", "938", "615", "629", "731", "901", "405", "539",
            "572", "580", "918", "316", "402", "531", "210", "214", "254", "281", "325", "346",
            "361", "409", "430", "432", "469", "512", "682", "713", "726", "737", "806", "817",
            "830", "832", "903", "936", "940", "945", "956", "972", "979", "204", "431", "584",
            "219",
        ],
        &["America/Chicago"],
    ),
    part(&["306", "474", "639"], &["America/Regina"]),
    part(
        &[
            "303", "719", "720", "970", "983", "385", "435", "801", "505", "575", "307", "406",
            "915", "368", "403", "587", "780", "825",
        ],
        &["America/Denver"],
    ),
    part(&["480", "520", "602", "623", "928"], &["America/Phoenix"]),
    part(
        &[
            "209", "213", "279", "310", "323", "341", "350", "369", "408", "415", "424", "442",
            "510", "530", "559", "562", "619", "626", "628", "650", "657", "661", "669", "707",
            "714", "738", "747", "760", "805", "818", "820", "831", "837", "840", "858", "909",
            "916", "925", "949", "951", "702", "725", "775", "458", "503", "971", "206", "253",
            "360", "425", "509", "564", "236", "250", "257", "604", "672", "778",
        ],
        &["America/Los_Angeles"],
    ),
    part(&["907"], &["America/Anchorage"]),
    part(&["808"], &["Pacific/Honolulu"]),
    part(&["506", "428", "782", "902"], &["America/Halifax"]),
    part(&["709", "879"], &["America/St_Johns"]),
    part(&["787", "939"], &["America/Puerto_Rico"]),
    part(&[], &["America/New_York", "America/Los_Angeles"]),
];

/// +7: Russia and Kazakhstan.
pub const RUSSIA: &[Area] = &[
    part(&["6", "7"], &["Asia/Almaty"]),
    part(&["401"], &["Europe/Kaliningrad"]),
    part(
        &["341", "842", "845", "846", "848", "851"],
        &["Europe/Samara"],
    ),
    part(
        &[
            "342", "343", "345", "346", "347", "349", "351", "352", "353",
        ],
        &["Asia/Yekaterinburg"],
    ),
    part(&["381"], &["Asia/Omsk"]),
    part(
        &["382", "383", "384", "385", "388", "390", "391", "394"],
        &["Asia/Krasnoyarsk"],
    ),
    part(&["301", "395"], &["Asia/Irkutsk"]),
    part(&["302", "411", "416"], &["Asia/Yakutsk"]),
    part(&["421", "423", "426"], &["Asia/Vladivostok"]),
    part(&["413", "424"], &["Asia/Magadan"]),
    part(&["415", "427"], &["Asia/Kamchatka"]),
    part(
        &["3", "4", "81", "82", "83", "84", "85", "86", "87"],
        &["Europe/Moscow"],
    ),
    part(&[], &["Europe/Moscow", "Asia/Yekaterinburg"]),
];

/// +61.
pub const AUSTRALIA: &[Area] = &[
    part(&["2", "3"], &["Australia/Sydney"]),
    part(&["7"], &["Australia/Brisbane"]),
    part(&["86", "89"], &["Australia/Perth"]),
    part(&["87", "88"], &["Australia/Adelaide"]),
    part(&[], &["Australia/Sydney", "Australia/Perth"]),
];

/// +55.
pub const BRAZIL: &[Area] = &[
    part(
        &["65", "66", "67", "69", "92", "95", "97"],
        &["America/Manaus"],
    ),
    part(&["68"], &["America/Rio_Branco"]),
    part(&[], &["America/Sao_Paulo"]),
];

/// +34.
pub const SPAIN: &[Area] = &[
    part(&["822", "828", "922", "928"], &["Atlantic/Canary"]),
    part(&["8", "9"], &["Europe/Madrid"]),
    part(&[], &["Europe/Madrid", "Atlantic/Canary"]),
];

/// +351.
pub const PORTUGAL: &[Area] = &[
    part(&["292", "295", "296"], &["Atlantic/Azores"]),
    part(&["2"], &["Europe/Lisbon"]),
    part(&[], &["Europe/Lisbon", "Atlantic/Azores"]),
];

/// +52.
pub const MEXICO: &[Area] = &[
    part(
        &["646", "653", "658", "661", "663", "664", "665", "686"],
        &["America/Tijuana"],
    ),
    part(
        &[
            "631", "632", "633", "634", "637", "641", "642", "643", "644", "645", "647", "651",
            "662",
        ],
        &["America/Hermosillo"],
    ),
    part(&["983", "984", "998"], &["America/Cancun"]),
    part(&[], &["America/Mexico_City", "America/Tijuana"]),
];

/// +62.
pub const INDONESIA: &[Area] = &[
    part(&["21", "22", "24", "31"], &["Asia/Jakarta"]),
    part(&[], &["Asia/Jakarta", "Asia/Makassar"]),
];

/// Other zones of +1 in which a company may be.
pub const ALSO_NORTH_AMERICA: &[&str] = &[
    "America/Toronto",
    "America/Montreal",
    "America/Detroit",
    "America/Indiana/Indianapolis",
    "America/Kentucky/Louisville",
    "America/Winnipeg",
    "America/Edmonton",
    "America/Boise",
    "America/Vancouver",
];

/// Other zones of +7 in which a company may be.
pub const ALSO_RUSSIA: &[&str] = &[
    "Europe/Volgograd",
    "Europe/Saratov",
    "Europe/Astrakhan",
    "Europe/Ulyanovsk",
    "Europe/Kirov",
    "Asia/Novosibirsk",
    "Asia/Barnaul",
    "Asia/Tomsk",
    "Asia/Novokuznetsk",
    "Asia/Chita",
    "Asia/Khandyga",
    "Asia/Sakhalin",
    "Asia/Srednekolymsk",
    "Asia/Anadyr",
    "Asia/Aqtobe",
    "Asia/Qostanay",
];
