-- Koha's patrons as a door may know them, all of them: one JSON object a line.
--
--     mysql --quick --batch --raw --skip-column-names koha < patrons-full.sql
--
-- MariaDB 10.3 or newer, Koha 22.11 or newer. It reads only, in one snapshot, and locks nothing.
-- What leaves the register and what does not: README.md. Run it every night.

SET SESSION sql_mode = '';
SET NAMES utf8mb4;

-- What to set. Each of these may also be set before this file is read.
SET @ban_attribute = COALESCE(@ban_attribute, 'SSBAN');        -- self-service revoked
SET @terms_attribute = COALESCE(@terms_attribute, 'SST&C');    -- terms accepted; '': not kept here
SET @consent_attribute = COALESCE(@consent_attribute, '');     -- guardian's consent; '': none
SET @ss_blocks = COALESCE(@ss_blocks, 'auto');                 -- 'auto', 'none' or a table's name

SET @kind = 'full';
SET @changed = '';

-- From here on patrons-full.sql and patrons-delta.sql are the same.

SET SESSION group_concat_max_len = 1048576;
SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ;
START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY;

SET @blocks = IF(@ss_blocks <> 'auto', @ss_blocks, (
    SELECT t.table_name FROM information_schema.tables t
    WHERE t.table_schema = DATABASE() AND t.table_name IN (
        'koha_plugin_fi_kohasuomi_selfservice_borrower_ss_blocks', 'borrower_ss_blocks')
    ORDER BY LENGTH(t.table_name) DESC LIMIT 1));
-- Where there is none, a query without rows stands in its place.
SET @blocks_table = IF(COALESCE(@blocks, 'none') = 'none',
    '(SELECT 0 AS borrowernumber, "" AS branchcode, NOW() AS expirationdate FROM DUAL WHERE FALSE)',
    CONCAT('`', REPLACE(@blocks, '`', ''), '`'));
SET @removed_table = (
    SELECT t.table_name FROM information_schema.tables t
    WHERE @kind = 'delta' AND t.table_schema = DATABASE() AND t.table_name = 'deletedborrowers');

-- A preference that is empty or no number sets no limit.
SET @preferences = COALESCE((
    SELECT CONCAT(t.table_schema, '.', t.table_name) FROM information_schema.tables t
    WHERE t.table_schema = 'kioskd' AND t.table_name = 'koha_preferences'), 'systempreferences');
EXECUTE IMMEDIATE CONCAT('
SELECT
    MAX(CASE WHEN p.variable = "FailedLoginAttempts" AND p.value REGEXP "^[0-9]+$"
        THEN NULLIF(CAST(p.value AS UNSIGNED), 0) END),
    MAX(CASE WHEN p.variable = "noissuescharge" AND p.value REGEXP "^[0-9]+([.][0-9]+)?$"
        THEN CAST(p.value AS DECIMAL(28, 6)) END),
    COALESCE(MAX(p.variable = "SSRules"), 0)
    INTO @lock_after, @fees_limit, @plugin
FROM ', @preferences, ' p');

SET @chosen = CONCAT('
    FROM borrowers b
    WHERE b.cardnumber IS NOT NULL AND b.cardnumber <> "" AND b.anonymized = 0', @changed);

SET @patrons = CONCAT('
SELECT JSON_OBJECT(
    "card", b.cardnumber,
    "ref", CAST(b.borrowernumber AS CHAR),
    "hash", CASE
        WHEN b.password IS NULL OR b.password IN ("", "!") THEN NULL
        WHEN b.password REGEXP "^[$]2[aby][$]" THEN b.password
        ELSE "other" END,
    "pin_expires", b.password_expiration_date,
    "born", b.dateofbirth,
    "expires", b.dateexpiry,
    "category", b.categorycode,
    "category_type", (
        SELECT c.category_type FROM categories c WHERE c.categorycode = b.categorycode),
    "lang", b.lang,
    "lost", IF(b.lost <> 0, TRUE, FALSE),
    "locked", IF(b.login_attempts = -1 OR b.login_attempts >= @lock_after, TRUE, FALSE),
    "fees", IF((
        SELECT SUM(a.amountoutstanding) FROM accountlines a
        WHERE a.borrowernumber = b.borrowernumber) > @fees_limit, TRUE, FALSE),
    "debarred", b.debarred,
    "debarments", JSON_COMPACT(COALESCE((
        SELECT CONCAT("[", GROUP_CONCAT(JSON_OBJECT("type", d.type, "until", d.expiration)), "]")
        FROM borrower_debarments d
        WHERE d.borrowernumber = b.borrowernumber
            AND (d.expiration IS NULL OR d.expiration >= CURDATE())), "[]")),
    "banned", IF(EXISTS(
        SELECT 1 FROM borrower_attributes x
        WHERE x.borrowernumber = b.borrowernumber AND x.code = {ban}
            AND x.attribute NOT IN ("", "0")), TRUE, FALSE),
    "terms", IF({terms} = "", NULL, IF(EXISTS(
        SELECT 1 FROM borrower_attributes x
        WHERE x.borrowernumber = b.borrowernumber AND x.code = {terms}
            AND LOWER(TRIM(x.attribute)) NOT IN ("", "0", "no", "ei", "nej", "false")), 1, 0)),
    "consent", JSON_COMPACT(IF(EXISTS(
            SELECT 1 FROM borrower_attributes x
            WHERE x.borrowernumber = b.borrowernumber AND x.code = {consent}
                AND LOWER(TRIM(x.attribute)) IN ("1", "yes", "true", "kyllä", "ja")
                AND x.attribute NOT IN (SELECT l.branchcode FROM branches l)),
        "true",
        COALESCE((
            SELECT CONCAT("[", GROUP_CONCAT(DISTINCT JSON_QUOTE(l.branchcode)), "]")
            FROM borrower_attributes x JOIN branches l ON FIND_IN_SET(
                l.branchcode, REPLACE(REPLACE(x.attribute, " ", ","), ";", ","))
            WHERE x.borrowernumber = b.borrowernumber AND x.code = {consent}), "[]"))),
    "blocks", JSON_COMPACT(COALESCE((
        SELECT CONCAT("[", GROUP_CONCAT(JSON_OBJECT(
            "branch", s.branchcode, "until", DATE(s.expirationdate))), "]")
        FROM {blocks} s
        WHERE s.borrowernumber = b.borrowernumber AND s.expirationdate >= NOW()), "[]")))',
    @chosen);

-- Koha sets updated_on of a removed patron to the time of the removal.
SET @gone = IF(@removed_table IS NULL, 'FROM DUAL WHERE FALSE', '
    FROM deletedborrowers r
    WHERE r.updated_on >= @since AND r.cardnumber IS NOT NULL AND r.cardnumber <> ""
        AND r.cardnumber NOT IN (
            SELECT b.cardnumber FROM borrowers b WHERE b.cardnumber IS NOT NULL)');
SET @removed = IF(@removed_table IS NULL, 'SELECT 1 FROM DUAL WHERE FALSE', CONCAT('
SELECT JSON_OBJECT(
    "card", r.cardnumber, "ref", CAST(r.borrowernumber AS CHAR), "deleted", TRUE)', @gone));

SET @end = CONCAT('
SELECT JSON_OBJECT("end", "koha-patrons", "patrons",
    (SELECT COUNT(b.borrowernumber) ', @chosen, ') + (SELECT COUNT(*) ', @gone, '))');

-- As literals: a variable has a collation of its own, and the columns may have another.
SET @patrons = REPLACE(REPLACE(REPLACE(REPLACE(@patrons, '{blocks}', @blocks_table),
    '{ban}', QUOTE(@ban_attribute)), '{terms}', QUOTE(@terms_attribute)),
    '{consent}', QUOTE(@consent_attribute));
SET @end = REPLACE(REPLACE(@end, '{blocks}', @blocks_table), '{ban}', QUOTE(@ban_attribute));

SELECT JSON_OBJECT(
    'koha_patrons', 1,
    'kind', @kind,
    'exported', DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ'),
    'ban_attribute', @ban_attribute,
    'terms_attribute', @terms_attribute,
    'consent_attribute', @consent_attribute,
    'branch_blocks', @blocks,
    'self_service_plugin', IF(@plugin, TRUE, FALSE));
EXECUTE IMMEDIATE @patrons;
EXECUTE IMMEDIATE @removed;
-- Without this line the importer takes the export for cut off, and loads nothing of a full one.
EXECUTE IMMEDIATE @end;
COMMIT;
