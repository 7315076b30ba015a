package demo;

public class Subject {
    static String run() {
        return "new";
    }

    private void m() {
    }
}
