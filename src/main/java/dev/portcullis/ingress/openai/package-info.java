/**
 * OpenAI's API, as its clients speak it: {@link dev.portcullis.ingress.openai.ChatRoutes} says what there is;
 * a model is an agent. Why the shapes are ours: docs/adr/0012.
 */
package dev.portcullis.ingress.openai;
