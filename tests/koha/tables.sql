-- The tables of Koha 22.11 that the export reads, as far as it reads them or must leave them.
CREATE DATABASE koha CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE koha;
CREATE TABLE categories (
    categorycode varchar(10) NOT NULL DEFAULT '' PRIMARY KEY,
    description longtext,
    category_type varchar(1) NOT NULL DEFAULT 'A'
) ENGINE=InnoDB;
CREATE TABLE branches (
    branchcode varchar(10) NOT NULL DEFAULT '' PRIMARY KEY,
    branchname longtext NOT NULL
) ENGINE=InnoDB;
CREATE TABLE borrowers (
    borrowernumber int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    cardnumber varchar(32) DEFAULT NULL UNIQUE,
    surname longtext,
    firstname mediumtext,
    address longtext,
    phone mediumtext,
    email longtext,
    dateofbirth date DEFAULT NULL,
    branchcode varchar(10) NOT NULL DEFAULT '',
    categorycode varchar(10) NOT NULL DEFAULT '',
    dateenrolled date DEFAULT NULL,
    dateexpiry date DEFAULT NULL,
    password_expiration_date date DEFAULT NULL,
    date_renewed date DEFAULT NULL,
    gonenoaddress tinyint(1) DEFAULT NULL,
    lost tinyint(1) DEFAULT NULL,
    debarred date DEFAULT NULL,
    debarredcomment varchar(255) DEFAULT NULL,
    borrowernotes longtext,
    userid varchar(75) DEFAULT NULL UNIQUE,
    password varchar(60) DEFAULT NULL,
    login_attempts int(4) NOT NULL DEFAULT 0,
    lang varchar(25) NOT NULL DEFAULT 'default',
    updated_on timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
    lastseen datetime DEFAULT NULL,
    anonymized tinyint(1) NOT NULL DEFAULT 0
) ENGINE=InnoDB;
CREATE TABLE deletedborrowers LIKE borrowers;
CREATE TABLE borrower_attributes (
    id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    borrowernumber int(11) NOT NULL,
    code varchar(64) NOT NULL,
    attribute varchar(255) DEFAULT NULL,
    KEY borrowernumber (borrowernumber),
    KEY code_attribute (code, attribute(191))
) ENGINE=InnoDB;
CREATE TABLE borrower_debarments (
    borrower_debarment_id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    borrowernumber int(11) NOT NULL,
    expiration date DEFAULT NULL,
    type varchar(50) NOT NULL,
    comment mediumtext,
    manager_id int(11) DEFAULT NULL,
    KEY borrowernumber (borrowernumber)
) ENGINE=InnoDB;
CREATE TABLE borrower_relationships (
    id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    guarantor_id int(11) DEFAULT NULL,
    guarantee_id int(11) NOT NULL,
    relationship varchar(100) NOT NULL
) ENGINE=InnoDB;
CREATE TABLE accountlines (
    accountlines_id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    borrowernumber int(11) DEFAULT NULL,
    amountoutstanding decimal(28, 6) DEFAULT NULL,
    description longtext,
    KEY borrowernumber (borrowernumber)
) ENGINE=InnoDB;
CREATE TABLE issues (
    issue_id int(11) NOT NULL AUTO_INCREMENT PRIMARY KEY,
    borrowernumber int(11) NOT NULL,
    date_due datetime DEFAULT NULL
) ENGINE=InnoDB;
CREATE TABLE systempreferences (
    variable varchar(50) NOT NULL DEFAULT '' PRIMARY KEY,
    value mediumtext
) ENGINE=InnoDB;
