/**
 * Operator alerts: what needs a person, deduplicated and rate-limited. Entry points: {@link
 * dev.portcullis.alert.Alerts}, the port, and {@link dev.portcullis.alert.OperatorAlerts}, which tells the
 * log and the configured webhooks.
 */
package dev.portcullis.alert;
