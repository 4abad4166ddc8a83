/** Operator alerts: what needs a person, deduplicated and rate-limited. Entry point: {@link dev.portcullis.alert.Alerts}. */
package dev.portcullis.alert;
