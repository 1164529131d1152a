/* Takes 512 bytes of the loader's surplus of static TLS, as other libraries of a host do. */
__thread char taken[512] __attribute__((tls_model("initial-exec")));
char *plugin_taken(void);
char *plugin_taken(void)
{
    return taken;
}
