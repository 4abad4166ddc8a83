/**
 * OpenAI's API, as its clients speak it: {@link dev.portcullis.ingress.openai.OpenAiApi} says what there is;
 * a model is an agent. Why the shapes are ours: docs/adr/0012; how a client's repeats are known:
 * docs/adr/0015.
 */
package dev.portcullis.ingress.openai;
