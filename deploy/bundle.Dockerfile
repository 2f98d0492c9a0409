FROM stethoscope-serve:0.1.0
COPY --chmod=755 bundle /model
CMD ["/model", "--host", "0.0.0.0"]
