/** Stores in a relational database, SQLite or PostgreSQL; the drivers are optional dependencies. */
@NullMarked
package io.llmguard.jdbc;

import org.jspecify.annotations.NullMarked;
