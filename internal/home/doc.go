// Package home is the user's folder: fleets, settings, logs and the path of
// the local database.
//
//	SHARD_ADMIN_HOME (default: shard-admin in the user's config folder)
//	  fleets/NAME.toml   one fleet each; no secrets
//	  settings.toml      what settings set wrote; no secrets
//	  vault.age          credentials, encrypted, where no keychain keeps them
//	  vault.lock         held while the vault is changed
//	  shard-admin.db     audit mirror and preferences (package store)
//	  shard-admin.db.lock held while its structure is brought up to date
//	  logs/              what the program did, rotated
//	  lock               held while one of the files above is changed
//
// Folders are 0700 and files 0600. A file or folder into which somebody else
// may write is refused, because whoever changes a fleet file decides where
// passwords are sent. Files are replaced whole: a crash leaves the old one or
// the new one. Settings are read again at each question, so that the window
// and a command line beside it agree.
//
// Nothing in the folder is a secret that can be read; vault.age is encrypted. The log passes through a filter that
// knows every password that was resolved and the forms in which one appears
// in a URL or a connection string.
package home
