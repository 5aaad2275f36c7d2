/** What the auto-configuration does, whatever stack and Spring Boot it runs on. */
package io.llmguard.boot;
